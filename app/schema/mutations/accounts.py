"""Making accounts, taking them away, and changing many at once."""

from typing import Any, cast

import strawberry
from strawberry.scalars import JSON

from app.directives import MUTATION_COST, Constraint, CostWeight
from app.domain.attributes.users import USER
from app.domain.errors import ErrorCode, Forbidden, Refused, UserBlocked, VersionConflict
from app.domain.root_attributes import ROOT_ATTRIBUTES
from app.domain.users import User as WrittenUser
from app.schema.context import Info
from app.schema.costs import HASHING, holds
from app.schema.inputs import IF_VERSION, REASON, Target, to_target
from app.schema.mutations.passwords import WHICH_ARE_TAKEN
from app.schema.payloads import ERRORS, InputError, MutationError, UserPayload, read_written, to_errors, user_payload
from app.schema.types.users import User
from app.services.accounts import NewUser
from app.services.metadata import APP_METADATA, USER_METADATA

MAX_UPDATES = 100


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


@strawberry.type(
    description="Whether the sign-up was taken. With an e-mail address the answer is the same whether or not it has an"
    " account: what became of it stands in the mail that goes there."
)
class SignUpPayload:
    accepted: bool
    errors: list[MutationError] = holds(ERRORS)


@strawberry.input(description="A user to delete.")
class DeleteUserInput:
    user_id: str = strawberry.field(description="Whose account.")
    erase: bool = strawberry.field(
        default=False, description="Take the person out of the history too: values, names, addresses, reasons."
    )
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.type(description="Whose account is gone.")
class DeleteUserPayload:
    deleted_user_id: str | None
    errors: list[MutationError] = holds(ERRORS)


@strawberry.input(description="New values of root attributes. Absent: unchanged. null: cleared.")
class RootAttributesInput:
    name: strawberry.Maybe[str | None]
    given_name: strawberry.Maybe[str | None]
    family_name: strawberry.Maybe[str | None]
    nickname: strawberry.Maybe[str | None]
    picture: strawberry.Maybe[str | None]


@strawberry.input(one_of=True, description="What to change of one user: one of these.")
class UserUpdate:
    user_metadata: strawberry.Maybe[JSON]
    app_metadata: strawberry.Maybe[JSON]
    root_attributes: strawberry.Maybe[RootAttributesInput]


@strawberry.input(description="One change of one user, as the single mutation would make it.")
class UpdateUserInput:
    user_id: str
    update: UserUpdate = strawberry.field(description="Metadata is merged, as RFC 7396 has it.")
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(description="Up to 100 changes.")
class UpdateUsersInput:
    updates: list[UpdateUserInput] = strawberry.field(
        directives=[Constraint(max_items=MAX_UPDATES), CostWeight(weight=MUTATION_COST)]
    )


@strawberry.type(description="What one of many changes came to.")
class UpdateUserResult:
    index: int = strawberry.field(description="Its place in `updates`.")
    user: User | None
    errors: list[MutationError] = holds(ERRORS)


@strawberry.type(description="What each change came to, in their order; `errors` where none was tried.")
class UpdateUsersPayload:
    results: list[UpdateUserResult]
    errors: list[MutationError] = holds(ERRORS)


async def create_user(info: Info, input: CreateUserInput) -> UserPayload | None:
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
    return await user_payload(info, info.context.services.accounts.create(info.context.principal, new))


async def sign_up(info: Info, input: SignUpInput) -> SignUpPayload | None:
    await info.context.count_anonymous()
    new = NewUser(
        connection=input.connection,
        email=input.email,
        username=input.username,
        password=input.password,
        root_attributes={name: getattr(input, name) for name in ROOT_ATTRIBUTES},
        user_metadata=input.user_metadata,
    )
    accounts, principal = info.context.services.accounts, info.context.principal
    try:
        await accounts.sign_up(input.tenant or (principal.tenant if principal else None), new, info.context.source)
    except Refused as refusal:
        return SignUpPayload(accepted=False, errors=to_errors([refusal]))
    return SignUpPayload(accepted=True, errors=[])


async def delete_user(info: Info, input: DeleteUserInput) -> DeleteUserPayload | None:
    accounts = info.context.services.accounts
    try:
        deleted = await accounts.delete(info.context.principal, to_target(input), input.erase)
    except Refused as refusal:
        return DeleteUserPayload(deleted_user_id=None, errors=to_errors([refusal]))
    return DeleteUserPayload(deleted_user_id=deleted, errors=[])


async def update_users(info: Info, input: UpdateUsersInput) -> UpdateUsersPayload | None:
    """One after the other; one that fails does not stop the others."""
    if not 1 <= len(input.updates) <= MAX_UPDATES:
        refusal = Refused(ErrorCode.INVALID_INPUT, f"updates takes 1 to {MAX_UPDATES} changes.", ("updates",))
        return UpdateUsersPayload(results=[], errors=to_errors([refusal]))
    results: list[UpdateUserResult] = []
    try:
        for index, each in enumerate(input.updates):
            results.append(await _update(info, index, each))
    except UserBlocked:
        results += [_blocked(index) for index in range(len(results), len(input.updates))]
    return UpdateUsersPayload(results=results, errors=[])


def _blocked(index: int) -> UpdateUserResult:
    error = InputError(code=ErrorCode.USER_BLOCKED, message="Your own profile was blocked meanwhile.", path=None)
    return UpdateUserResult(index=index, user=None, errors=[error])


async def _update(info: Info, index: int, update: UpdateUserInput) -> UpdateUserResult:
    """UserBlocked where the caller is blocked by now."""
    try:
        key = (await _write(info, update)).id
    except VersionConflict as conflict:
        key = cast("WrittenUser", conflict.current).id
        return UpdateUserResult(index=index, user=await _read(info, key), errors=to_errors([conflict]))
    except Refused as refusal:
        return UpdateUserResult(index=index, user=None, errors=to_errors([refusal]))
    except Forbidden as refusal:
        error = InputError(code=ErrorCode.FORBIDDEN, message=refusal.message, path=None)
        return UpdateUserResult(index=index, user=None, errors=[error])
    return UpdateUserResult(index=index, user=await _read(info, key), errors=[])


async def _write(info: Info, update: UpdateUserInput) -> WrittenUser:
    services, principal, what = info.context.services, info.context.principal, update.update
    target: Target = to_target(update)
    if what.root_attributes:
        given = {name: getattr(what.root_attributes.value, name) for name in ROOT_ATTRIBUTES}
        values = {name: some.value for name, some in given.items() if some is not None}
        return await services.root_attributes.update(principal, target, values)
    document, patch = (USER_METADATA, what.user_metadata) if what.user_metadata else (APP_METADATA, what.app_metadata)
    assert patch
    return await services.metadata.update(principal, document, target, patch.value, replace=False)


async def _read(info: Info, key: Any) -> User | None:
    return cast("User | None", await read_written(info, USER, key, "results", "user"))
