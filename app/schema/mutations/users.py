"""Deleting users, and changing many at once."""

from typing import cast

import strawberry
from strawberry.scalars import JSON

from app.directives import MUTATION_COST, Constraint, CostWeight, ListSize
from app.domain.attributes.users import USER
from app.domain.errors import ErrorCode, Forbidden, Refused, UserBlocked, VersionConflict
from app.domain.users import User
from app.schema.context import Context, Info
from app.schema.inputs import ProfileInput, given_root_attributes, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import InputError, Payload, payload_type, read_written, to_error
from app.schema.types.users import UserObject
from app.services.accounts import Accounts

MAX_UPDATES = 100


@write_input("A user to delete.")
class DeleteUserInput(ProfileInput):
    user_id: str = strawberry.field(description="Whose account.")
    erase: bool = strawberry.field(
        default=False, description="Take the person out of the history too: values, names, addresses, reasons."
    )


@payload_type("Whose account is gone.")
class DeleteUserPayload(Payload):
    deleted_user_id: str | None = None


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


@write_input("One change of one user, as the single mutation would make it.")
class UpdateUserInput(ProfileInput):
    user_id: str
    update: UserUpdate = strawberry.field(description="Metadata is merged, as RFC 7396 has it.")


@strawberry.input(description="Up to 100 changes.")
class UpdateUsersInput:
    updates: list[UpdateUserInput] = strawberry.field(
        directives=[Constraint(max_items=MAX_UPDATES), CostWeight(weight=MUTATION_COST)]
    )


@payload_type("What one of many changes came to.")
class UpdateUserResult(Payload):
    index: int = strawberry.field(description="Its place in `updates`.")
    user: UserObject | None = None


@payload_type("What each change came to, in their order; `errors` where none was tried.")
class UpdateUsersPayload(Payload):
    results: list[UpdateUserResult] = strawberry.field(default_factory=list)


@mutation(
    DeleteUserPayload,
    "Takes the account away, with what is linked to it. The history stays until it expires.",
    Accounts.delete,
)
async def delete_user(context: Context, input: DeleteUserInput) -> str:
    return await context.services.accounts.delete(context.principal, input.target(), input.erase)


@strawberry.mutation(
    description="Up to 100 changes in one request, each with its own result. Who may what is as with the single"
    " mutation of each, and so is what it costs.",
    directives=[CostWeight(weight=1), ListSize(slicing_arguments=["input.updates"], sized_fields=["results"])],
)
async def update_users(info: Info, input: UpdateUsersInput) -> UpdateUsersPayload | None:
    """One after the other; one that fails does not stop the others."""
    if not 1 <= len(input.updates) <= MAX_UPDATES:
        refusal = Refused(ErrorCode.INVALID_INPUT, f"updates takes 1 to {MAX_UPDATES} changes.", ("updates",))
        return UpdateUsersPayload(errors=[to_error(refusal)])
    results: list[UpdateUserResult] = []
    try:
        for index, each in enumerate(input.updates):
            results.append(await _update(info, index, each))
    except UserBlocked:
        error = InputError(code=ErrorCode.USER_BLOCKED, message="Your own profile was blocked meanwhile.", path=None)
        rest = range(len(results), len(input.updates))
        results += [UpdateUserResult(index=index, errors=[error]) for index in rest]
    return UpdateUsersPayload(results=results)


async def _update(info: Info, index: int, update: UpdateUserInput) -> UpdateUserResult:
    """UserBlocked where the caller is blocked by now."""
    result = UpdateUserResult(index=index)
    try:
        written = await _write(info.context, update)
    except VersionConflict as conflict:
        result.errors, written = [to_error(conflict)], cast("User", conflict.current)
    except Refused as refusal:
        result.errors = [to_error(refusal)]
        return result
    except Forbidden as refusal:
        result.errors = [InputError(code=ErrorCode.FORBIDDEN, message=refusal.message, path=None)]
        return result
    result.user = cast("UserObject | None", await read_written(info, USER, written, "results", "user"))
    return result


async def _write(context: Context, update: UpdateUserInput) -> User:
    services, principal, what, target = context.services, context.principal, update.update, update.target()
    if what.root_attributes:
        values = given_root_attributes(what.root_attributes.value)
        return await services.root_attributes.update(principal, target, values)
    if what.user_metadata:
        return await services.metadata.update_user_metadata(principal, target, what.user_metadata.value)
    assert what.app_metadata
    return await services.metadata.update_app_metadata(principal, target, what.app_metadata.value)
