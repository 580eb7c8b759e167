"""Changing usernames and phone numbers."""

import strawberry

from app.domain.users import User
from app.schema.context import Context
from app.schema.inputs import ProfileInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import UserPayload
from app.services.identifiers import Identifiers


@write_input("Another username.")
class ChangeUsernameInput(ProfileInput):
    username: str | None = strawberry.field(description="Unique in the connection; null takes it away.")


@write_input("Another phone number.")
class ChangePhoneNumberInput(ProfileInput):
    phone_number: str | None = strawberry.field(description="With the country's number; null takes it away.")
    verified: bool | None = strawberry.field(
        default=None,
        description="Whether it is known to be the user's. Left out, it stays as it was for the same number; false for"
        " another.",
    )


@mutation(UserPayload, "Sets another username, where the connection has such names.", Identifiers.change_username)
async def change_username(context: Context, input: ChangeUsernameInput) -> User:
    return await context.services.identifiers.change_username(context.principal, input.target(), input.username)


@mutation(UserPayload, "Sets another phone number, where the connection has them.", Identifiers.change_phone_number)
async def change_phone_number(context: Context, input: ChangePhoneNumberInput) -> User:
    return await context.services.identifiers.change_phone_number(
        context.principal, input.target(), input.phone_number, input.verified
    )
