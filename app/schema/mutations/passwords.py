"""Passwords: changed, reset by mail, and verified for the login service."""

from typing import cast

import strawberry

from app.directives import CostWeight
from app.domain.attributes.users import USER
from app.domain.errors import Refused
from app.domain.users import User as WrittenUser
from app.schema.context import Info
from app.schema.costs import HASHING, holds
from app.schema.inputs import IF_VERSION, REASON, USER_ID, to_target
from app.schema.mutations.emails import SelfActionInput
from app.schema.payloads import ERRORS, MutationError, UserPayload, read_written, to_errors, user_payload
from app.schema.types.users import User

WHICH_ARE_TAKEN = (
    "15 to 128 characters of any kind (at least 8 in a tenant that asks everybody for a second factor). A password that"
    " is easy to guess, or that contains the user's e-mail address, user name or number, is refused with the reason."
)


@strawberry.input(description="Another password. The user's devices are revoked with the old one.")
class ChangePasswordInput:
    user_id: str | None = strawberry.field(default=None, description=USER_ID)
    new_password: str = strawberry.field(description=WHICH_ARE_TAKEN, directives=[CostWeight(weight=HASHING)])
    current_password: str | None = strawberry.field(
        default=None,
        description="Required on your own profile, unless you signed in recently. If given, it must be correct.",
        directives=[CostWeight(weight=HASHING)],
    )
    must_change: bool | None = strawberry.field(
        default=None, description="Whether it must be changed at the next sign-in: true for a tool unless it says so."
    )
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(description="A password that somebody typed.")
class VerifyPasswordInput:
    connection: str
    identifier: str = strawberry.field(description="What was typed with it: an address, a name or a number.")
    password: str = strawberry.field(directives=[CostWeight(weight=HASHING)])
    ip: str | None = strawberry.field(
        default=None, description="Where it was typed: ten wrong ones in a quarter of an hour are the last from there."
    )


@strawberry.type(description="Whether the password is right. A wrong one and an unknown user look alike.")
class VerifyPasswordPayload:
    valid: bool | None
    must_change_password: bool | None = strawberry.field(description="Where it is right.")
    user: User | None = strawberry.field(description="Whose it is, where it is right.")
    errors: list[MutationError] = holds(ERRORS)


async def change_password(info: Info, input: ChangePasswordInput) -> UserPayload | None:
    async def write() -> WrittenUser:
        return await info.context.services.passwords.change(
            info.context.principal, to_target(input), input.new_password, input.current_password, input.must_change
        )

    return await user_payload(info, write())


async def send_password_reset_email(info: Info, input: SelfActionInput) -> UserPayload | None:
    async def write() -> WrittenUser:
        return await info.context.services.passwords.send_reset(info.context.principal, to_target(input))

    return await user_payload(info, write())


async def verify_password(info: Info, input: VerifyPasswordInput) -> VerifyPasswordPayload | None:
    principal = info.context.principal
    try:
        verified = await info.context.services.passwords.verify(
            principal, input.connection, input.identifier, input.password, input.ip
        )
    except Refused as refusal:
        return VerifyPasswordPayload(valid=None, must_change_password=None, user=None, errors=to_errors([refusal]))
    user = await read_written(info, USER, verified.user, "user") if verified.valid else None
    return VerifyPasswordPayload(
        valid=verified.valid, must_change_password=verified.must_change, user=cast("User | None", user), errors=[]
    )
