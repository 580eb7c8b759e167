"""Changing roles, and who has them."""

from collections.abc import Awaitable
from typing import Any, cast

import strawberry

from app.directives import Constraint
from app.domain.attributes.roles import ROLE
from app.domain.errors import Refused, VersionConflict
from app.domain.permissions import Permission
from app.domain.roles import MAX_PERMISSIONS, MAX_ROLES
from app.domain.users import User as WrittenUser
from app.schema.context import Info
from app.schema.costs import holds
from app.schema.inputs import IF_VERSION, REASON, given_fields, to_condition, to_target
from app.schema.payloads import ERRORS, MutationError, UserPayload, read_written, to_errors, user_payload
from app.schema.types.roles import Role


@strawberry.input(description="A permission: what may be done, with which API.")
class PermissionInput:
    api: str
    name: str
    description: str | None = strawberry.field(
        default=None,
        description="At most 500 characters. Left out, it stays as it is; empty text removes it. Not for revoking.",
    )


@strawberry.input(description="A new role.")
class CreateRoleInput:
    name: str = strawberry.field(description="Unique without regard to case; 1 to 100 characters.")
    description: str | None = None
    permissions: list[PermissionInput] | None = strawberry.field(
        default=None, description="At most 1,000.", directives=[Constraint(max_items=MAX_PERMISSIONS)]
    )
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(description="What is left out stays as it is.")
class UpdateRoleInput:
    role_id: str
    name: strawberry.Maybe[str | None] = strawberry.field(
        default=None, description="Unique without regard to case; 1 to 100 characters."
    )
    description: strawberry.Maybe[str | None] = strawberry.field(
        default=None, description="At most 500 characters. null and the empty text clear it."
    )
    permissions: strawberry.Maybe[list[PermissionInput] | None] = strawberry.field(
        default=None,
        description="All permissions of the role, instead of those that it has; at most 1,000.",
        directives=[Constraint(max_items=MAX_PERMISSIONS)],
    )
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(description="A role to delete.")
class DeleteRoleInput:
    role_id: str
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(description="Roles of one user.")
class UserRolesInput:
    user_id: str
    role_ids: list[str] = strawberry.field(
        description="A user has at most 50.", directives=[Constraint(max_items=MAX_ROLES)]
    )
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(description="Permissions of one user, beside those that come with roles.")
class UserPermissionsInput:
    user_id: str
    permissions: list[PermissionInput] = strawberry.field(
        description="A user has at most 1,000 of their own.", directives=[Constraint(max_items=MAX_PERMISSIONS)]
    )
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.type(
    description="The role after the write. null when it was deleted or there is an error, except for VERSION_CONFLICT."
)
class RolePayload:
    role: Role | None
    errors: list[MutationError] = holds(ERRORS)


def _given(permissions: list[PermissionInput] | None) -> list[Permission]:
    return [Permission(each.name, each.api, each.description) for each in permissions or ()]


async def create_role(info: Info, input: CreateRoleInput) -> RolePayload | None:
    roles, permissions = info.context.services.roles, _given(input.permissions)
    return await _payload(
        info, roles.create(info.context.principal, input.name, input.description, permissions, input.reason)
    )


async def update_role(info: Info, input: UpdateRoleInput) -> RolePayload | None:
    async def write() -> Any:
        given = given_fields(input, ("name", "description", "permissions"), nullable=("description",))
        if "permissions" in given:
            given["permissions"] = _given(given["permissions"])
        roles, principal = info.context.services.roles, info.context.principal
        return await roles.update(principal, input.role_id, given, to_condition(input))

    return await _payload(info, write())


async def delete_role(info: Info, input: DeleteRoleInput) -> RolePayload | None:
    async def write() -> None:
        roles = info.context.services.roles
        await roles.delete(info.context.principal, input.role_id, to_condition(input))

    return await _payload(info, write())


async def assign_roles(info: Info, input: UserRolesInput) -> UserPayload | None:
    async def write() -> WrittenUser:
        roles = info.context.services.roles
        return await roles.assign(info.context.principal, to_target(input), input.role_ids)

    return await user_payload(info, write())


async def unassign_roles(info: Info, input: UserRolesInput) -> UserPayload | None:
    async def write() -> WrittenUser:
        roles = info.context.services.roles
        return await roles.unassign(info.context.principal, to_target(input), input.role_ids)

    return await user_payload(info, write())


async def grant_permissions(info: Info, input: UserPermissionsInput) -> UserPayload | None:
    async def write() -> WrittenUser:
        roles = info.context.services.roles
        return await roles.grant(info.context.principal, to_target(input), _given(input.permissions))

    return await user_payload(info, write())


async def revoke_permissions(info: Info, input: UserPermissionsInput) -> UserPayload | None:
    async def write() -> WrittenUser:
        roles = info.context.services.roles
        return await roles.revoke(info.context.principal, to_target(input), _given(input.permissions))

    return await user_payload(info, write())


async def _payload(info: Info, write: Awaitable[Any]) -> RolePayload:
    try:
        key = await write
    except VersionConflict as conflict:
        current = await _read(info, cast("Any", conflict.current).id)
        return RolePayload(role=current, errors=to_errors([conflict]))
    except Refused as refusal:
        return RolePayload(role=None, errors=to_errors([refusal]))
    return RolePayload(role=None if key is None else await _read(info, key), errors=[])


async def _read(info: Info, key: Any) -> Role | None:
    return cast("Role | None", await read_written(info, ROLE, key, "role"))
