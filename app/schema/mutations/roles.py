"""Changing roles and permissions, and who has them."""

import strawberry

from app.directives import Constraint
from app.domain.attributes.roles import ROLE
from app.domain.ids import Key
from app.domain.permissions import Permission
from app.domain.roles import MAX_PERMISSIONS, MAX_ROLES
from app.domain.users import User
from app.schema.context import Context
from app.schema.inputs import REASON, ProfileInput, WriteInput, given_fields, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import Payload, UserPayload, payload_type
from app.schema.types.roles import RoleObject
from app.services.roles import Roles


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


@write_input("What is left out stays as it is.")
class UpdateRoleInput(WriteInput):
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


@write_input("A role to delete.")
class DeleteRoleInput(WriteInput):
    role_id: str


@write_input("Roles of one user.")
class UserRolesInput(ProfileInput):
    user_id: str
    role_ids: list[str] = strawberry.field(
        description="A user has at most 50.", directives=[Constraint(max_items=MAX_ROLES)]
    )


@write_input("Permissions of one user, beside those that come with roles.")
class UserPermissionsInput(ProfileInput):
    user_id: str
    permissions: list[PermissionInput] = strawberry.field(
        description="A user has at most 1,000 of their own.", directives=[Constraint(max_items=MAX_PERMISSIONS)]
    )


@payload_type("The role after the write. null when it was deleted or there is an error, except for VERSION_CONFLICT.")
class RolePayload(Payload):
    kind = ROLE
    has_current = True
    role: RoleObject | None = None


def _given(permissions: list[PermissionInput] | None) -> list[Permission]:
    return [Permission(each.name, each.api, each.description) for each in permissions or ()]


@mutation(RolePayload, "Makes a role.", Roles.create)
async def create_role(context: Context, input: CreateRoleInput) -> Key:
    permissions = _given(input.permissions)
    return await context.services.roles.create(
        context.principal, input.name, input.description, permissions, input.reason
    )


@mutation(
    RolePayload,
    "Changes a role, and what all who have it may do. Users do not change the name or the permissions of a role that"
    " they have themselves: FORBIDDEN.",
    Roles.update,
)
async def update_role(context: Context, input: UpdateRoleInput) -> Key:
    given = given_fields(input, ("name", "description", "permissions"), nullable=("description",))
    if "permissions" in given:
        given["permissions"] = _given(given["permissions"])
    return await context.services.roles.update(context.principal, input.role_id, given, input.condition())


@mutation(
    RolePayload,
    "Deletes a role; whoever has it loses it with it. Users do not delete a role that they have themselves: FORBIDDEN.",
    Roles.delete,
)
async def delete_role(context: Context, input: DeleteRoleInput) -> None:
    await context.services.roles.delete(context.principal, input.role_id, input.condition())


@mutation(UserPayload, "Gives a user roles; those that they have already stay.", Roles.assign)
async def assign_roles(context: Context, input: UserRolesInput) -> User:
    return await context.services.roles.assign(context.principal, input.target(), input.role_ids)


@mutation(UserPayload, "Takes roles from a user.", Roles.unassign)
async def unassign_roles(context: Context, input: UserRolesInput) -> User:
    return await context.services.roles.unassign(context.principal, input.target(), input.role_ids)


@mutation(UserPayload, "Gives a user permissions of their own, beside those of roles.", Roles.grant)
async def grant_permissions(context: Context, input: UserPermissionsInput) -> User:
    return await context.services.roles.grant(context.principal, input.target(), _given(input.permissions))


@mutation(UserPayload, "Takes a user's own permissions; those that come with a role stay.", Roles.revoke)
async def revoke_permissions(context: Context, input: UserPermissionsInput) -> User:
    return await context.services.roles.revoke(context.principal, input.target(), _given(input.permissions))
