"""Mail about the account: verifying and changing an address, and redeeming what a mail brings."""

import strawberry

from app.directives import CostWeight
from app.domain.errors import Refused
from app.domain.users import User as WrittenUser
from app.schema.context import Info
from app.schema.costs import HASHING, holds
from app.schema.inputs import IF_VERSION, REASON, USER_ID, to_target
from app.schema.payloads import ERRORS, MutationError, UserPayload, to_errors, user_payload
from app.schema.scalars import TicketPurpose


@strawberry.input(description="A user to act on.")
class SelfActionInput:
    user_id: str | None = strawberry.field(default=None, description=USER_ID)
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(description="Another e-mail address.")
class ChangeEmailInput:
    user_id: str | None = strawberry.field(default=None, description=USER_ID)
    email: str = strawberry.field(description="The new e-mail address. The current one cancels a pending change.")
    verified: bool = strawberry.field(
        default=False,
        description="With `immediately`: it is known to be the user's. The address in force stays verified either way.",
    )
    immediately: bool = strawberry.field(default=False, description="Without waiting for its ticket. Never on oneself.")
    current_password: str | None = strawberry.field(
        default=None, description="Where it is given it must be right.", directives=[CostWeight(weight=HASHING)]
    )
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(description="What a mail brought.")
class RedeemTicketInput:
    ticket: str = strawberry.field(description="What stands behind `ticket=` in the link.")
    new_password: str | None = strawberry.field(
        default=None, description="For RESET_PASSWORD.", directives=[CostWeight(weight=HASHING)]
    )


@strawberry.type(description="What the ticket was for, and is done; null where there was an error.")
class RedeemTicketPayload:
    purpose: TicketPurpose | None
    errors: list[MutationError] = holds(ERRORS)


async def send_verification_email(info: Info, input: SelfActionInput) -> UserPayload | None:
    async def write() -> WrittenUser:
        return await info.context.services.emails.send_verification(info.context.principal, to_target(input))

    return await user_payload(info, write())


async def change_email(info: Info, input: ChangeEmailInput) -> UserPayload | None:
    async def write() -> WrittenUser:
        return await info.context.services.emails.change(
            info.context.principal,
            to_target(input),
            input.email,
            input.immediately,
            input.verified,
            input.current_password,
        )

    return await user_payload(info, write())


async def redeem_ticket(info: Info, input: RedeemTicketInput) -> RedeemTicketPayload | None:
    await info.context.count_anonymous()
    try:
        purpose = await info.context.services.tickets.redeem(input.ticket, input.new_password, info.context.source)
    except Refused as refusal:
        return RedeemTicketPayload(purpose=None, errors=to_errors([refusal]))
    return RedeemTicketPayload(purpose=purpose, errors=[])
