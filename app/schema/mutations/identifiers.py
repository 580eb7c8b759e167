"""The mutations changeUsername and changePhoneNumber."""

import strawberry

from app.domain.users import User
from app.schema.context import Context
from app.schema.inputs import ProfileInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import UserPayload
from app.services.identifiers import Identifiers


@write_input("The new username of a user.")
class ChangeUsernameInput(ProfileInput):
    username: str | None = strawberry.field(
        description="The new username, with the rules of `CreateUserInput.username`. null removes the username, if the"
        " user has an e-mail address. Leaving the field out is the same as null."
    )


@write_input("The new phone number of a user.")
class ChangePhoneNumberInput(ProfileInput):
    phone_number: str | None = strawberry.field(
        description="The new phone number with + and country code: +49 1511 2345678. null removes the phone number."
        " Leaving the field out is the same as null. A user of a text message connection always needs a phone number."
    )
    verified: bool | None = strawberry.field(
        default=None,
        description="Whether it is proven that the phone number belongs to the user. Left out: unchanged if the phone"
        " number stays the same, and false for another phone number.",
    )


@mutation(
    UserPayload,
    "Changes the username of a user. Refused with NOT_EDITABLE if the connection has no usernames.",
    Identifiers.change_username,
)
async def change_username(context: Context, input: ChangeUsernameInput) -> User:
    return await context.services.identifiers.change_username(context.principal, input.target(), input.username)


@mutation(
    UserPayload,
    "Changes the phone number of a user. Refused with NOT_EDITABLE if the connection has no phone numbers.",
    Identifiers.change_phone_number,
)
async def change_phone_number(context: Context, input: ChangePhoneNumberInput) -> User:
    return await context.services.identifiers.change_phone_number(
        context.principal, input.target(), input.phone_number, input.verified
    )
