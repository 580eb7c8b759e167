"""The mutations createUser and signUp."""

from typing import Any, Self

import strawberry
from strawberry.scalars import JSON

from app.directives import CostWeight, Public
from app.domain.accounts import MAX_SIGN_UP_FIELDS, MAX_SIGN_UP_TEXT
from app.domain.root_attributes import ROOT_ATTRIBUTES
from app.domain.users import User
from app.schema.context import Context, Info
from app.schema.costs import HASHING
from app.schema.inputs import REASON, new_root_attribute
from app.schema.mutation_fields import mutation
from app.schema.mutations.passwords import PASSWORD_RULES
from app.schema.payloads import Payload, UserPayload, payload_type
from app.services.accounts import Accounts
from app.services.new_accounts import NewUser

_USERNAME = (
    "The username: 1 to 128 letters (a to z), digits and the characters @^$.!`-#+'~_, but not an e-mail address. It is"
    " stored in lower case and is unique in the connection. Only for connections of the kinds DATABASE and"
    " CUSTOM_DATABASE."
)


@strawberry.input(
    description="A new user. Database connections need `email` or `username`, e-mail connections need `email`, and text"
    " message connections need `phoneNumber`."
)
class CreateUserInput:
    connection: str = strawberry.field(
        description="The name of a connection of the kind DATABASE, CUSTOM_DATABASE or PASSWORDLESS."
    )
    email: str | None = strawberry.field(
        default=None,
        description="The e-mail address. It is stored in lower case and is unique in the connection.",
    )
    username: str | None = strawberry.field(default=None, description=_USERNAME)
    phone_number: str | None = strawberry.field(
        default=None,
        description="The phone number with + and country code: +49 1511 2345678. It is stored in E.164 format and is"
        " unique in the connection. Not for e-mail connections.",
    )
    password: str | None = strawberry.field(
        default=None,
        description="The password. Only for connections of the kind DATABASE, and of the kind CUSTOM_DATABASE with"
        f" `importMode`. {PASSWORD_RULES}",
        directives=[CostWeight(weight=HASHING)],
    )
    # No cost: the hash is stored as it is, and replaced when the password is checked for the first time.
    password_hash: str | None = strawberry.field(
        default=None,
        description="Instead of `password`: the hash that another system made of the password. bcrypt with a cost of 4"
        " to 14, or Argon2id in PHC string format with at most 256 MiB of memory, 10 iterations and a parallelism of"
        " 16.",
    )
    must_change_password: bool = strawberry.field(
        default=False, description="Whether the user must change the password at the next sign-in."
    )
    email_verified: bool | None = strawberry.field(
        default=None,
        description="Whether it is proven that the e-mail address belongs to the user. The default is false.",
    )
    phone_verified: bool | None = strawberry.field(
        default=None,
        description="Whether it is proven that the phone number belongs to the user. The default is false.",
    )
    send_verification_email: bool | None = strawberry.field(
        default=None,
        description="Whether to send an e-mail with a link that verifies the e-mail address. The default is false. true"
        " is refused with INVALID_INPUT if there is no e-mail address, or if `emailVerified` is true.",
    )
    name: str | None = new_root_attribute("name")
    given_name: str | None = new_root_attribute("given_name")
    family_name: str | None = new_root_attribute("family_name")
    nickname: str | None = new_root_attribute("nickname")
    picture: str | None = new_root_attribute("picture")
    user_metadata: JSON | None = strawberry.field(
        default=None,
        description="The user_metadata: a JSON object with the limits of `UpdateUserMetadataInput.patch`. The"
        " default is {}.",
    )
    app_metadata: JSON | None = strawberry.field(
        default=None,
        description="The app_metadata: a JSON object with the limits of `UpdateAppMetadataInput.patch`. The default is"
        " {}. The token also needs update:users_app_metadata.",
    )
    reason: str | None = strawberry.field(default=None, description=REASON)


# Fields of CreateUserInput that a stranger must not set are missing here: app_metadata and the marks of verification.
@strawberry.input(description="The account of the person who signs up. `email` or `username` is needed.")
class SignUpInput:
    tenant: str | None = strawberry.field(
        default=None,
        description="The tenant. It can be left out if the service has only one tenant. For a request with a token, the"
        " default is the tenant of the token.",
    )
    connection: str = strawberry.field(description="The name of a database connection with `allowsSignUp`.")
    email: str | None = strawberry.field(
        default=None,
        description="The e-mail address. This service sends an e-mail to it, with a link that verifies it.",
    )
    username: str | None = strawberry.field(default=None, description=_USERNAME)
    password: str = strawberry.field(
        description=f"The password. {PASSWORD_RULES}", directives=[CostWeight(weight=HASHING)]
    )
    name: str | None = new_root_attribute("name")
    given_name: str | None = new_root_attribute("given_name")
    family_name: str | None = new_root_attribute("family_name")
    nickname: str | None = new_root_attribute("nickname")
    picture: str | None = new_root_attribute("picture")
    user_metadata: JSON | None = strawberry.field(
        default=None,
        description=f"The user_metadata: a JSON object with at most {MAX_SIGN_UP_FIELDS} fields, such as {{language:"
        f" fr}}. All values are text of at most {MAX_SIGN_UP_TEXT} characters. The default is {{}}.",
    )


# The payload does not return the user: it would reveal whether the e-mail address already had an account.
@payload_type("The result of a sign-up.")
class SignUpPayload(Payload):
    accepted: bool = strawberry.field(
        default=False,
        description="Whether the sign-up was accepted. With an e-mail address, the answer is also true if the e-mail"
        " address already has an account. So the answer does not reveal who has an account. In this case, the"
        " e-mail tells the owner that the account exists. false: see `errors`.",
    )

    @classmethod
    async def of(cls, info: Info, written: Any) -> Self:
        return cls(accepted=True)


@mutation(
    UserPayload,
    "Creates a user of a database, e-mail or text message connection. Users of other connections are created by"
    " `recordLogin`.",
    Accounts.create,
)
async def create_user(context: Context, input: CreateUserInput) -> User:
    new = NewUser(
        connection=input.connection,
        email=input.email,
        username=input.username,
        phone_number=input.phone_number,
        email_verified=input.email_verified,
        phone_verified=input.phone_verified,
        root_attributes={name: getattr(input, name) for name in ROOT_ATTRIBUTES},
        user_metadata=input.user_metadata,
        app_metadata=input.app_metadata,
        password=input.password,
        password_hash=input.password_hash,
        must_change_password=input.must_change_password,
        send_verification_email=bool(input.send_verification_email),
        reason=input.reason,
    )
    return await context.services.accounts.create(context.principal, new)


@mutation(
    SignUpPayload,
    "Creates an account for the person who sends the request. Too many requests from one IP address are refused"
    " with RATE_LIMITED.",
    None,
    Public(),
)
async def sign_up(context: Context, input: SignUpInput) -> None:
    # First of all, because without a token this count is the only limit for an attacker.
    await context.count_anonymous()
    new = NewUser(
        connection=input.connection,
        email=input.email,
        username=input.username,
        password=input.password,
        root_attributes={name: getattr(input, name) for name in ROOT_ATTRIBUTES},
        user_metadata=input.user_metadata,
    )
    # A page may send the token of a user who is signed in. It only determines the tenant, never who signs up.
    principal = context.principal
    tenant = input.tenant or (principal.tenant if principal else None)
    await context.services.sign_ups.sign_up(tenant, new, context.source)
