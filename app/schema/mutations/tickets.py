"""Redeeming the tickets that mails bring."""

import strawberry

from app.directives import CostWeight, Public
from app.schema.context import Context
from app.schema.costs import HASHING
from app.schema.mutation_fields import mutation
from app.schema.payloads import Payload, payload_type
from app.schema.scalars import TicketPurpose


@strawberry.input(description="What a mail brought.")
class RedeemTicketInput:
    ticket: str = strawberry.field(description="What stands behind `ticket=` in the link.")
    new_password: str | None = strawberry.field(
        default=None, description="For RESET_PASSWORD.", directives=[CostWeight(weight=HASHING)]
    )


@payload_type("What the ticket was for, and is done; null where there was an error.")
class RedeemTicketPayload(Payload):
    purpose: TicketPurpose | None = None


@mutation(
    RedeemTicketPayload,
    "Does what a mailed ticket is for, once. Needs no token; limited by address.",
    None,
    Public(),
)
async def redeem_ticket(context: Context, input: RedeemTicketInput) -> TicketPurpose:
    await context.count_anonymous()
    return await context.services.tickets.redeem(input.ticket, input.new_password, context.source)
