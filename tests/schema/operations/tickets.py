"""The mutation that redeems a ticket. It needs no token."""

from typing import Any

from tests.world import World

REDEEM_TICKET = "mutation($input: RedeemTicketInput!) { redeemTicket(input: $input) { purpose errors { code path } } }"
# The payload for a ticket that is unknown, expired or used.
TICKET_NOT_FOUND = {"purpose": None, "errors": [{"code": "NOT_FOUND", "path": ["ticket"]}]}


async def redeem_ticket(world: World, ticket: str, **input: Any) -> Any:
    return (await world.ask(REDEEM_TICKET, input={"ticket": ticket, **input}))["redeemTicket"]
