"""Passwords: changed, reset by mail, and verified for the login service."""

from typing import Any, Self

import strawberry

from app.directives import CostWeight
from app.domain.attributes.users import USER
from app.domain.users import User
from app.schema.context import Context, Info
from app.schema.costs import HASHING
from app.schema.inputs import ProfileInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.mutations.emails import SelfActionInput
from app.schema.payloads import Payload, UserPayload, payload_type, read_written
from app.schema.types.users import UserObject
from app.services.passwords import Passwords, Verified

WHICH_ARE_TAKEN = (
    "15 to 128 characters of any kind (at least 8 in a tenant that asks everybody for a second factor). A password that"
    " is easy to guess, or that contains the user's e-mail address, user name or number, is refused with the reason."
)


@write_input("Another password. The user's devices are revoked with the old one.")
class ChangePasswordInput(ProfileInput):
    new_password: str = strawberry.field(description=WHICH_ARE_TAKEN, directives=[CostWeight(weight=HASHING)])
    current_password: str | None = strawberry.field(
        default=None,
        description="Required on your own profile, unless you signed in recently. If given, it must be correct.",
        directives=[CostWeight(weight=HASHING)],
    )
    must_change: bool | None = strawberry.field(
        default=None, description="Whether it must be changed at the next sign-in: true for a tool unless it says so."
    )


@strawberry.input(description="A password that somebody typed.")
class VerifyPasswordInput:
    connection: str
    identifier: str = strawberry.field(description="What was typed with it: an address, a name or a number.")
    password: str = strawberry.field(directives=[CostWeight(weight=HASHING)])
    ip: str | None = strawberry.field(
        default=None, description="Where it was typed: ten wrong ones in a quarter of an hour are the last from there."
    )


@payload_type("Whether the password is right. A wrong one and an unknown user look alike.")
class VerifyPasswordPayload(Payload):
    valid: bool | None = None
    must_change_password: bool | None = strawberry.field(default=None, description="Where it is right.")
    user: UserObject | None = strawberry.field(default=None, description="Whose it is, where it is right.")

    @classmethod
    async def of(cls, info: Info, written: Verified) -> Self:
        if written.user is None:
            return cls(valid=written.valid)
        user: Any = await read_written(info, USER, written.user, "user")
        return cls(valid=written.valid, must_change_password=written.user.must_change_password, user=user)


@mutation(
    UserPayload,
    "Sets another password. On your own profile it takes the current password or a recent sign-in.",
    Passwords.change,
)
async def change_password(context: Context, input: ChangePasswordInput) -> User:
    return await context.services.passwords.change(
        context.principal, input.target(), input.new_password, input.current_password, input.must_change
    )


@mutation(UserPayload, "Mails a ticket for a new password. Three mails an hour go to a user.", Passwords.send_reset)
async def send_password_reset_email(context: Context, input: SelfActionInput) -> User:
    return await context.services.passwords.send_reset(context.principal, input.target())


@mutation(VerifyPasswordPayload, "Tells the login service whether a password is right.", Passwords.verify)
async def verify_password(context: Context, input: VerifyPasswordInput) -> Verified:
    return await context.services.passwords.verify(
        context.principal, input.connection, input.identifier, input.password, input.ip
    )
