"""The mutations of roles, and of the roles and permissions of a user."""

import strawberry

from app.directives import Constraint
from app.domain.attributes.roles import ROLE
from app.domain.ids import Key
from app.domain.permissions import Permission
from app.domain.roles import MAX_API, MAX_DESCRIPTION, MAX_NAME, MAX_PERMISSION, MAX_PERMISSIONS, MAX_ROLES
from app.domain.users import User
from app.schema.context import Context
from app.schema.inputs import OTHER_USER, REASON, ProfileInput, WriteInput, given_fields, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import Payload, UserPayload, payload_type
from app.schema.types.roles import RoleObject
from app.services.roles import Roles

_NAME = f"The name: 1 to {MAX_NAME} characters. It is unique in the tenant; upper and lower case count as equal."
_DESCRIPTION = f"What the role is for, in words for people: at most {MAX_DESCRIPTION} characters."
_ROLE_ID = "The `Role.roleId` of the role."


@strawberry.input(description="A permission: something that is allowed in one API.")
class PermissionInput:
    api: str = strawberry.field(
        description=f"The identifier of the API (resource server), such as https://api.example.com: 1 to {MAX_API}"
        " characters."
    )
    name: str = strawberry.field(
        description=f"What is permitted, such as read:reports: 1 to {MAX_PERMISSION} characters."
    )
    description: str | None = strawberry.field(
        default=None,
        description=f"What the permission is for, in words for people: at most {MAX_DESCRIPTION} characters. If you"
        " leave it out, it stays as it is. Empty text removes it. `revokePermissions` does not accept it.",
    )


@strawberry.input(description="A new role.")
class CreateRoleInput:
    name: str = strawberry.field(description=_NAME)
    description: str | None = strawberry.field(default=None, description=_DESCRIPTION)
    permissions: list[PermissionInput] | None = strawberry.field(
        default=None,
        description=f"The permissions of the role, at most {MAX_PERMISSIONS:,}. The default is none.",
        directives=[Constraint(max_items=MAX_PERMISSIONS)],
    )
    reason: str | None = strawberry.field(default=None, description=REASON)


# Maybe tells a field that is null from a field that was left out, which keeps the current value.
@write_input("New values of a role. Fields that are left out stay as they are.")
class UpdateRoleInput(WriteInput):
    role_id: str = strawberry.field(description=_ROLE_ID)
    name: strawberry.Maybe[str | None] = strawberry.field(default=None, description=_NAME)
    description: strawberry.Maybe[str | None] = strawberry.field(
        default=None, description=f"{_DESCRIPTION} null and empty text remove it."
    )
    permissions: strawberry.Maybe[list[PermissionInput] | None] = strawberry.field(
        default=None,
        description="All permissions that the role has after the change. They replace the current permissions. At most"
        f" {MAX_PERMISSIONS:,}.",
        directives=[Constraint(max_items=MAX_PERMISSIONS)],
    )


@write_input("The role to delete.")
class DeleteRoleInput(WriteInput):
    role_id: str = strawberry.field(description=_ROLE_ID)


@write_input("A user, and roles to assign or to remove.")
class UserRolesInput(ProfileInput):
    user_id: str = strawberry.field(description=OTHER_USER)
    role_ids: list[str] = strawberry.field(
        description=f"The `Role.roleId` of each role, at least one. More than {MAX_ROLES} roles of a user are refused"
        " with TOO_LARGE. If a role does not exist, nothing is changed and the error is NOT_FOUND.",
        directives=[Constraint(max_items=MAX_ROLES)],
    )


@write_input("A user, and permissions to grant or to revoke.")
class UserPermissionsInput(ProfileInput):
    user_id: str = strawberry.field(description=OTHER_USER)
    permissions: list[PermissionInput] = strawberry.field(
        description=f"The permissions. More than {MAX_PERMISSIONS:,} directly granted permissions of a user are"
        " refused with TOO_LARGE.",
        directives=[Constraint(max_items=MAX_PERMISSIONS)],
    )


@payload_type("The result of a mutation of a role.")
class RolePayload(Payload):
    kind = ROLE
    has_current = True
    role: RoleObject | None = strawberry.field(
        default=None,
        description="The role after the change. After VERSION_CONFLICT: the current role. null after any other error,"
        " and after `deleteRole`.",
    )


def _to_permissions(permissions: list[PermissionInput] | None) -> list[Permission]:
    return [Permission(each.name, each.api, each.description) for each in permissions or ()]


@mutation(RolePayload, "Creates a role.", Roles.create)
async def create_role(context: Context, input: CreateRoleInput) -> Key:
    permissions = _to_permissions(input.permissions)
    return await context.services.roles.create(
        context.principal, input.name, input.description, permissions, input.reason
    )


@mutation(
    RolePayload,
    "Changes a role for all users who have it. A user who changes the name or the permissions of a role that"
    " they have themselves is refused with FORBIDDEN.",
    Roles.update,
)
async def update_role(context: Context, input: UpdateRoleInput) -> Key:
    # Only the description can be null. A null for permissions would remove all of them by mistake: send [] for that.
    given = given_fields(input, ("name", "description", "permissions"), nullable=("description",))
    if "permissions" in given:
        given["permissions"] = _to_permissions(given["permissions"])
    return await context.services.roles.update(context.principal, input.role_id, given, input.condition())


@mutation(
    RolePayload,
    "Deletes a role, and removes it from all users who have it. Users cannot delete a role that they have themselves:"
    " FORBIDDEN.",
    Roles.delete,
)
async def delete_role(context: Context, input: DeleteRoleInput) -> None:
    await context.services.roles.delete(context.principal, input.role_id, input.condition())


@mutation(UserPayload, "Adds roles to the roles of a user.", Roles.assign)
async def assign_roles(context: Context, input: UserRolesInput) -> User:
    return await context.services.roles.assign(context.principal, input.target(), input.role_ids)


@mutation(UserPayload, "Removes roles from a user. Roles that the user does not have are ignored.", Roles.unassign)
async def unassign_roles(context: Context, input: UserRolesInput) -> User:
    return await context.services.roles.unassign(context.principal, input.target(), input.role_ids)


@mutation(
    UserPayload,
    "Grants permissions to a user directly, in addition to the permissions of roles.",
    Roles.grant,
)
async def grant_permissions(context: Context, input: UserPermissionsInput) -> User:
    return await context.services.roles.grant(context.principal, input.target(), _to_permissions(input.permissions))


@mutation(
    UserPayload,
    "Revokes permissions that were granted to a user directly. Permissions of roles stay.",
    Roles.revoke,
)
async def revoke_permissions(context: Context, input: UserPermissionsInput) -> User:
    return await context.services.roles.revoke(context.principal, input.target(), _to_permissions(input.permissions))
