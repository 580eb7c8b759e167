"""Making accounts: for others, and one's own."""

from typing import Any, Self

import strawberry
from strawberry.scalars import JSON

from app.directives import CostWeight, Public
from app.domain.root_attributes import ROOT_ATTRIBUTES
from app.domain.users import User
from app.schema.context import Context, Info
from app.schema.costs import HASHING
from app.schema.inputs import REASON
from app.schema.mutation_fields import mutation
from app.schema.mutations.passwords import WHICH_ARE_TAKEN
from app.schema.payloads import Payload, UserPayload, payload_type
from app.services.accounts import Accounts
from app.services.new_accounts import NewUser


@strawberry.input(description="A user of a database, e-mail or text message connection.")
class CreateUserInput:
    connection: str
    email: str | None = strawberry.field(default=None, description="Unique in the connection, without regard to case.")
    username: str | None = strawberry.field(default=None, description="Likewise; kept in lower case.")
    phone_number: str | None = strawberry.field(default=None, description="With the country's number; kept as E.164.")
    password: str | None = strawberry.field(
        default=None,
        description=f"For database connections. {WHICH_ARE_TAKEN}",
        directives=[CostWeight(weight=HASHING)],
    )
    password_hash: str | None = strawberry.field(
        default=None, description="In its place, of another system: bcrypt, or Argon2id in PHC form."
    )
    must_change_password: bool = strawberry.field(
        default=False, description="Whether it must be changed at the first sign-in."
    )
    email_verified: bool | None = None
    phone_verified: bool | None = None
    send_verification_email: bool | None = None
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    nickname: str | None = None
    picture: str | None = None
    user_metadata: JSON | None = None
    app_metadata: JSON | None = strawberry.field(default=None, description="Needs update:users_app_metadata too.")
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(description="An account that its user makes.")
class SignUpInput:
    tenant: str | None = strawberry.field(default=None, description="May be left out where only one is served.")
    connection: str = strawberry.field(description="A database connection that lets users sign up.")
    email: str | None = None
    username: str | None = None
    password: str = strawberry.field(description=WHICH_ARE_TAKEN, directives=[CostWeight(weight=HASHING)])
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    nickname: str | None = None
    picture: str | None = None
    user_metadata: JSON | None = strawberry.field(
        default=None, description="At most 10 fields of text, each of at most 500 characters."
    )


@payload_type(
    "Whether the sign-up was taken. With an e-mail address the answer is the same whether or not it has an account:"
    " what became of it stands in the mail that goes there."
)
class SignUpPayload(Payload):
    accepted: bool = False

    @classmethod
    async def of(cls, info: Info, written: Any) -> Self:
        return cls(accepted=True)


@mutation(UserPayload, "Makes a user of a database, e-mail or text message connection.", Accounts.create)
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
    "Makes one's own account, where the connection lets users. Needs no token; limited by address.",
    None,
    Public(),
)
async def sign_up(context: Context, input: SignUpInput) -> None:
    await context.count_anonymous()
    new = NewUser(
        connection=input.connection,
        email=input.email,
        username=input.username,
        password=input.password,
        root_attributes={name: getattr(input, name) for name in ROOT_ATTRIBUTES},
        user_metadata=input.user_metadata,
    )
    principal = context.principal
    tenant = input.tenant or (principal.tenant if principal else None)
    await context.services.sign_ups.sign_up(tenant, new, context.source)
