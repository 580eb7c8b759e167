"""Verifying and changing e-mail addresses."""

import strawberry

from app.directives import CostWeight
from app.domain.users import User
from app.schema.context import Context
from app.schema.costs import HASHING
from app.schema.inputs import ProfileInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import UserPayload
from app.services.emails import Emails


@write_input("A user to act on.")
class SelfActionInput(ProfileInput):
    pass


@write_input("Another e-mail address.")
class ChangeEmailInput(ProfileInput):
    email: str = strawberry.field(description="The new e-mail address. The current one cancels a pending change.")
    verified: bool = strawberry.field(
        default=False,
        description="With `immediately`: it is known to be the user's. The address in force stays verified either way.",
    )
    immediately: bool = strawberry.field(default=False, description="Without waiting for its ticket. Never on oneself.")
    current_password: str | None = strawberry.field(
        default=None, description="Where it is given it must be right.", directives=[CostWeight(weight=HASHING)]
    )


@mutation(
    UserPayload,
    "Mails a ticket that shows the address to be the user's. Three mails an hour go to a user.",
    Emails.send_verification,
)
async def send_verification_email(context: Context, input: SelfActionInput) -> User:
    return await context.services.emails.send_verification(context.principal, input.target())


@mutation(
    UserPayload,
    "Asks for another address, which waits as `pendingEmail` until the ticket in its mail is redeemed; a tool may set"
    " one at once.",
    Emails.change,
)
async def change_email(context: Context, input: ChangeEmailInput) -> User:
    return await context.services.emails.change(
        context.principal, input.target(), input.email, input.immediately, input.verified, input.current_password
    )
