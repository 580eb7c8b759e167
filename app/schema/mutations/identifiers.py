"""Usernames and phone numbers."""

import strawberry

from app.domain.users import User as WrittenUser
from app.schema.context import Info
from app.schema.inputs import IF_VERSION, REASON, USER_ID, to_target
from app.schema.payloads import UserPayload, user_payload


@strawberry.input(description="Another username.")
class ChangeUsernameInput:
    user_id: str | None = strawberry.field(default=None, description=USER_ID)
    username: str | None = strawberry.field(description="Unique in the connection; null takes it away.")
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(description="Another phone number.")
class ChangePhoneNumberInput:
    user_id: str | None = strawberry.field(default=None, description=USER_ID)
    phone_number: str | None = strawberry.field(description="With the country's number; null takes it away.")
    verified: bool | None = strawberry.field(
        default=None,
        description="Whether it is known to be the user's. Left out, it stays as it was for the same number; false for"
        " another.",
    )
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


async def change_username(info: Info, input: ChangeUsernameInput) -> UserPayload | None:
    async def write() -> WrittenUser:
        identifiers = info.context.services.identifiers
        return await identifiers.change_username(info.context.principal, to_target(input), input.username)

    return await user_payload(info, write())


async def change_phone_number(info: Info, input: ChangePhoneNumberInput) -> UserPayload | None:
    async def write() -> WrittenUser:
        identifiers, target = info.context.services.identifiers, to_target(input)
        return await identifiers.change_phone_number(info.context.principal, target, input.phone_number, input.verified)

    return await user_payload(info, write())
