"""The mutations sendVerificationEmail and changeEmail."""

import strawberry

from app.directives import CostWeight
from app.domain.mail import MAX_MAILS
from app.domain.users import User
from app.schema.context import Context
from app.schema.costs import HASHING
from app.schema.inputs import ProfileInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import UserPayload
from app.services.emails import Emails

MAIL_LIMIT = f"More than {MAX_MAILS} e-mails in an hour to one user are refused with RATE_LIMITED."


# Mutations that users may run on their own profile. UserActionInput, in which `userId` is needed, is for all others.
@write_input("The user that the mutation is about.")
class SelfActionInput(ProfileInput):
    pass


@write_input("The new e-mail address of a user.")
class ChangeEmailInput(ProfileInput):
    email: str = strawberry.field(
        description="The new e-mail address. If you send the current e-mail address, a change that is still waiting"
        " (`pendingEmail`) is cancelled."
    )
    # The default is false: a verified e-mail address can reset a password, so that nobody may claim it by leaving out a
    # field.
    verified: bool = strawberry.field(
        default=False,
        description="Only together with `immediately`: whether it is proven that the new e-mail address belongs to the"
        " user. If the e-mail address stays the same, an existing verification is kept.",
    )
    immediately: bool = strawberry.field(
        default=False,
        description="Whether to change the e-mail address now, without verification. On your own profile,"
        " true is refused with FORBIDDEN_FIELD.",
    )
    current_password: str | None = strawberry.field(
        default=None,
        description="The current password of the user. Optional: if it is given, it must be correct. It does not"
        " replace the recent sign-in.",
        directives=[CostWeight(weight=HASHING)],
    )


@mutation(
    UserPayload,
    f"Sends the user an e-mail with a link that verifies the e-mail address. {MAIL_LIMIT}",
    Emails.send_verification,
)
async def send_verification_email(context: Context, input: SelfActionInput) -> User:
    return await context.services.emails.send_verification(context.principal, input.target())


@mutation(
    UserPayload,
    "Changes the e-mail address. The new one is `pendingEmail` until the user opens the link in the e-mail that is sent"
    " to it. With update:users, you can change the e-mail address of another user at once with `immediately`."
    f" {MAIL_LIMIT}",
    Emails.change,
)
async def change_email(context: Context, input: ChangeEmailInput) -> User:
    return await context.services.emails.change(
        context.principal, input.target(), input.email, input.immediately, input.verified, input.current_password
    )
