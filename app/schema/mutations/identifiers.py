"""The mutations changeUsername and changePhoneNumber."""

import strawberry

from app.domain.errors import ErrorCode, Refused
from app.domain.users import User
from app.schema.context import Context
from app.schema.inputs import ProfileInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import UserPayload
from app.services.identifiers import Identifiers


@write_input("The new username of a user.")
class ChangeUsernameInput(ProfileInput):
    username: strawberry.Maybe[str | None] = strawberry.field(
        default=None,
        description="The new username, with the rules of `CreateUserInput.username`. null removes the username, if the"
        " user has an e-mail address. The field is required.",
    )


@write_input("The new phone number of a user.")
class ChangePhoneNumberInput(ProfileInput):
    phone_number: strawberry.Maybe[str | None] = strawberry.field(
        default=None,
        description="The new phone number with + and country code: +49 1511 2345678. null removes the phone number."
        " The field is required. A user of a text message connection always needs a phone number.",
    )
    verified: bool | None = strawberry.field(
        default=None,
        description="Whether it is proven that the phone number belongs to the user. The default is false for a"
        " new phone number. If the phone number stays the same, the default is the current value.",
    )


def _given(value: strawberry.Maybe[str | None], name: str) -> str | None:
    """The value of a required field, which can be null. Raises Refused when the field was left out: a client that loses
    a variable must not remove the value.
    """
    if value is None:
        raise Refused(ErrorCode.INVALID_INPUT, f"{name} is required. null removes the value.", (name,))
    return value.value


@mutation(
    UserPayload,
    "Changes the username of a user. Refused with NOT_EDITABLE if the connection has no usernames.",
    Identifiers.change_username,
)
async def change_username(context: Context, input: ChangeUsernameInput) -> User:
    return await context.services.identifiers.change_username(
        context.principal, input.target(), _given(input.username, "username")
    )


@mutation(
    UserPayload,
    "Changes the phone number of a user. Refused with NOT_EDITABLE if the connection has no phone numbers.",
    Identifiers.change_phone_number,
)
async def change_phone_number(context: Context, input: ChangePhoneNumberInput) -> User:
    return await context.services.identifiers.change_phone_number(
        context.principal, input.target(), _given(input.phone_number, "phoneNumber"), input.verified
    )
