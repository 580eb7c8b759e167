"""The mutations deleteUser and updateUsers."""

from typing import Annotated, cast

import strawberry
from strawberry.scalars import JSON

from app.directives import MUTATION_COST, Constraint, CostWeight, ListSize
from app.domain.attributes.users import USER
from app.domain.errors import ErrorCode, Forbidden, Refused, UserBlocked, VersionConflict
from app.domain.users import User
from app.schema.context import Context, Info
from app.schema.inputs import OTHER_USER, ProfileInput, changed_root_attribute, given_root_attributes, write_input
from app.schema.mutation_fields import INPUT, mutation
from app.schema.payloads import InputError, Payload, payload_type, read_written, to_error
from app.schema.types.users import UserObject
from app.services.accounts import Accounts

MAX_UPDATES = 100


@write_input("The user to delete.")
class DeleteUserInput(ProfileInput):
    user_id: str = strawberry.field(description=OTHER_USER)
    erase: bool = strawberry.field(
        default=False,
        description="Whether to remove the person from the history too: names, values before and after changes, IP"
        " addresses, reasons and other personal data. The events themselves stay.",
    )


@payload_type("The result of `deleteUser`.")
class DeleteUserPayload(Payload):
    # The profile is gone, so that only its id can be returned.
    deleted_user_id: str | None = strawberry.field(
        default=None, description="The `userId` of the deleted user. null: the user was not deleted."
    )


@strawberry.input(description="New values of root attributes. Attributes that are left out stay as they are.")
class RootAttributesInput:
    name: strawberry.Maybe[str | None] = changed_root_attribute("name")
    given_name: strawberry.Maybe[str | None] = changed_root_attribute("given_name")
    family_name: strawberry.Maybe[str | None] = changed_root_attribute("family_name")
    nickname: strawberry.Maybe[str | None] = changed_root_attribute("nickname")
    picture: strawberry.Maybe[str | None] = changed_root_attribute("picture")


@strawberry.input(one_of=True, description="The change of a user. Give exactly one field.")
class UserUpdate:
    user_metadata: strawberry.Maybe[JSON] = strawberry.field(
        default=None, description="A patch of user_metadata, as in `UpdateUserMetadataInput.patch`."
    )
    app_metadata: strawberry.Maybe[JSON] = strawberry.field(
        default=None, description="A patch of app_metadata, as in `UpdateAppMetadataInput.patch`."
    )
    root_attributes: strawberry.Maybe[RootAttributesInput] = strawberry.field(
        default=None, description="New values of root attributes, as in `updateRootAttributes`."
    )


@write_input("One change of one user.")
class UpdateUserInput(ProfileInput):
    user_id: str = strawberry.field(description=OTHER_USER)
    update: UserUpdate = strawberry.field(description="The change.")


@strawberry.input(description="The changes of `updateUsers`.")
class UpdateUsersInput:
    updates: list[UpdateUserInput] = strawberry.field(
        description=f"1 to {MAX_UPDATES} changes. They are made one after the other. The same user may occur several"
        " times. More changes are refused with the top-level error BAD_USER_INPUT.",
        directives=[Constraint(max_items=MAX_UPDATES), CostWeight(weight=MUTATION_COST)],
    )


@payload_type("The result of one change of `updateUsers`.")
class UpdateUserResult(Payload):
    index: int = strawberry.field(description="The position of the change in `updates`. The first is 0.")
    user: UserObject | None = strawberry.field(
        default=None,
        description="The profile after the change. After VERSION_CONFLICT: the current profile. null after any other"
        " error.",
    )


@payload_type(
    "The result of `updateUsers`. `errors` is only for an empty list of changes, and then `results` is empty."
)
class UpdateUsersPayload(Payload):
    results: list[UpdateUserResult] = strawberry.field(
        default_factory=list, description="The result of each change, in the order of `updates`."
    )


@mutation(
    DeleteUserPayload,
    "Deletes a user with all linked accounts, devices, authorized applications and second factors. The history stays"
    " until it expires: see `DeleteUserInput.erase`.",
    Accounts.delete,
)
async def delete_user(context: Context, input: DeleteUserInput) -> str:
    return await context.services.accounts.delete(context.principal, input.target(), input.erase)


# Not made by `mutation`: this field has no rule of its own, and an error belongs to one change, not to the payload.
@strawberry.mutation(
    description=f"Makes up to {MAX_UPDATES} changes in one request. Each change has its own result: if one fails, the"
    " others are still made. Each change needs the same scopes and has the same cost as the mutation for one user:"
    " updateUserMetadata, updateAppMetadata or updateRootAttributes.",
    directives=[CostWeight(weight=1), ListSize(slicing_arguments=["input.updates"], sized_fields=["results"])],
)
async def update_users(info: Info, input: Annotated[UpdateUsersInput, INPUT]) -> UpdateUsersPayload | None:
    if not 1 <= len(input.updates) <= MAX_UPDATES:
        refusal = Refused(ErrorCode.INVALID_INPUT, f"updates must have 1 to {MAX_UPDATES} changes.", ("updates",))
        return UpdateUsersPayload(errors=[to_error(refusal)])
    results: list[UpdateUserResult] = []
    try:
        # One after the other: changes of the same profile keep their order, and one request cannot use all connections
        # to the database.
        for index, each in enumerate(input.updates):
            results.append(await _update(info, index, each))
    except UserBlocked:
        # Each change confirms the caller again. Once blocked, the caller must not write anything more.
        error = InputError(
            code=ErrorCode.USER_BLOCKED, message="Your own profile was blocked while the request ran.", path=None
        )
        rest = range(len(results), len(input.updates))
        results += [UpdateUserResult(index=index, errors=[error]) for index in rest]
    return UpdateUsersPayload(results=results)


async def _update(info: Info, index: int, update: UpdateUserInput) -> UpdateUserResult:
    """Makes one change. Raises UserBlocked when the caller was blocked after the request began."""
    result = UpdateUserResult(index=index)
    try:
        written = await _write(info.context, update)
    except VersionConflict as conflict:
        result.errors, written = [to_error(conflict)], cast("User", conflict.current)
    except Refused as refusal:
        result.errors = [to_error(refusal)]
        return result
    except Forbidden as refusal:
        # In any other mutation this is a top-level error. Here it would remove the results of the other changes.
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
