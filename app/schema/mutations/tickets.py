"""The mutation redeemTicket."""

import strawberry

from app.directives import CostWeight, Public
from app.schema.context import Context
from app.schema.costs import HASHING
from app.schema.enums import TicketPurpose
from app.schema.mutation_fields import mutation
from app.schema.mutations.passwords import PASSWORD_RULES
from app.schema.payloads import Payload, payload_type


@strawberry.input(description="A ticket from an e-mail.")
class RedeemTicketInput:
    ticket: str = strawberry.field(
        description="The text after `ticket=` in the link of the e-mail. A ticket that is unknown, expired or already"
        " redeemed is refused with NOT_FOUND."
    )
    new_password: str | None = strawberry.field(
        default=None,
        description=f"The new password. Needed for a ticket with the purpose RESET_PASSWORD, and refused for any other."
        f" {PASSWORD_RULES}",
        directives=[CostWeight(weight=HASHING)],
    )


@payload_type("The result of `redeemTicket`.")
class RedeemTicketPayload(Payload):
    purpose: TicketPurpose | None = strawberry.field(
        default=None, description="What the ticket was for. The service has done it. null: see `errors`."
    )


@mutation(
    RedeemTicketPayload,
    "Redeems the ticket in the link of an e-mail: verifies or changes the e-mail address, or sets a new password. A"
    " ticket works once. Too many requests from one IP address are refused with RATE_LIMITED.",
    None,
    Public(),
)
async def redeem_ticket(context: Context, input: RedeemTicketInput) -> TicketPurpose:
    # First of all: without this count, an attacker could guess tickets as fast as the service answers.
    await context.count_anonymous()
    return await context.services.tickets.redeem(input.ticket, input.new_password, context.source)
