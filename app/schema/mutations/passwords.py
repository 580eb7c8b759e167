"""The mutations changePassword, sendPasswordResetEmail and verifyPassword."""

from typing import Any, Self

import strawberry

from app.directives import CostWeight
from app.domain.attributes.users import USER
from app.domain.passwords import (
    MAX_LENGTH,
    MAX_PASSWORD_CHANGES,
    MAX_TRIES,
    MAX_TRIES_FROM_ANYWHERE,
    MAX_TYPED,
    MIN_LENGTH,
    MIN_LENGTH_WITH_MFA,
)
from app.domain.users import User
from app.schema.context import Context, Info
from app.schema.costs import HASHING
from app.schema.inputs import ProfileInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.mutations.emails import MAIL_LIMIT, SelfActionInput
from app.schema.payloads import Payload, UserPayload, payload_type, read_written
from app.schema.types.users import UserObject
from app.services.passwords import Passwords, Verified

PASSWORD_RULES = (
    f"{MIN_LENGTH} to {MAX_LENGTH} characters of any kind except control characters. In a tenant in which everybody"
    f" has a second factor, {MIN_LENGTH_WITH_MFA} characters are enough. A password that is easy to guess, or that"
    " contains the e-mail address, username or phone number of the user, is refused with INVALID_INPUT and the reason."
)


@write_input("The new password of a user.")
class ChangePasswordInput(ProfileInput):
    new_password: str = strawberry.field(
        description=f"The new password. {PASSWORD_RULES}", directives=[CostWeight(weight=HASHING)]
    )
    current_password: str | None = strawberry.field(
        default=None,
        description="The current password. Needed on your own profile, unless you signed in recently. If it is given,"
        " it must be correct.",
        directives=[CostWeight(weight=HASHING)],
    )
    must_change: bool | None = strawberry.field(
        default=None,
        description="Whether the user must change the password at the next sign-in. The default is false"
        " on your own profile, and true on other profiles.",
    )


@strawberry.input(description="A password to check, and the account that it is for.")
class VerifyPasswordInput:
    connection: str = strawberry.field(
        description="The name of a connection of the kind DATABASE, or of the kind CUSTOM_DATABASE with `importMode`."
    )
    identifier: str = strawberry.field(
        description="What the user typed: the e-mail address, the username, or the phone number in E.164 format."
    )
    password: str = strawberry.field(
        description=f"The password that the user typed: 1 to {MAX_TYPED:,} characters.",
        directives=[CostWeight(weight=HASHING)],
    )
    ip: str | None = strawberry.field(
        default=None,
        description=f"The IP address of the user, IPv4 or IPv6. Always send it. After {MAX_TRIES} wrong passwords in 15"
        " minutes from one IP address, further attempts from it on this account are refused with RATE_LIMITED. After"
        f" {MAX_TRIES_FROM_ANYWHERE} from all IP addresses together, every attempt on this account is refused.",
    )


@payload_type("The result of a password check.")
class VerifyPasswordPayload(Payload):
    valid: bool | None = strawberry.field(
        default=None,
        description="Whether the password is correct. A wrong password and an unknown user both result in false. null:"
        " see `errors`.",
    )
    must_change_password: bool | None = strawberry.field(
        default=None, description="Whether the user must change the password now. null: `valid` is not true."
    )
    user: UserObject | None = strawberry.field(
        default=None, description="The user that the password belongs to. null: `valid` is not true."
    )

    @classmethod
    async def of(cls, info: Info, written: Verified) -> Self:
        if written.user is None:
            return cls(valid=written.valid)
        # The token needs no scope for reading: without one, the login service still gets `id`, `userId` and `version`.
        user: Any = await read_written(info, USER, written.user, "user")
        return cls(valid=written.valid, must_change_password=written.user.must_change_password, user=user)


@mutation(
    UserPayload,
    "Changes the password of a user of a connection of the kind DATABASE, or of the kind CUSTOM_DATABASE with"
    " `importMode`. It unlinks all devices of the user and makes all links in"
    " earlier e-mails invalid. On your own profile you need the current password or a recent sign-in. More"
    f" than {MAX_PASSWORD_CHANGES} requests in an hour for one user are refused with RATE_LIMITED.",
    Passwords.change,
)
async def change_password(context: Context, input: ChangePasswordInput) -> User:
    return await context.services.passwords.change(
        context.principal, input.target(), input.new_password, input.current_password, input.must_change
    )


@mutation(
    UserPayload,
    f"Sends the user an e-mail with a link to set a new password. The link is valid for 60 minutes. {MAIL_LIMIT}",
    Passwords.send_reset,
)
async def send_password_reset_email(context: Context, input: SelfActionInput) -> User:
    return await context.services.passwords.send_reset(context.principal, input.target())


@mutation(
    VerifyPasswordPayload,
    "For the login service: checks a password. It does not record a login: call `recordLogin` or `recordFailedLogin`"
    " afterwards. If the password is correct and the user is blocked, the error is USER_BLOCKED.",
    Passwords.verify,
)
async def verify_password(context: Context, input: VerifyPasswordInput) -> Verified:
    return await context.services.passwords.verify(
        context.principal, input.connection, input.identifier, input.password, input.ip
    )
