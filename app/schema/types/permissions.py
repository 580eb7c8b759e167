"""The types Permission and UserPermission."""

from typing import Any

import strawberry

from app.domain.permissions import count_granted
from app.domain.rows import Row
from app.schema.context import Info
from app.schema.costs import list_field
from app.schema.enums import PermissionSourceType
from app.schema.lists import head

_NAME = "What is permitted, such as read:reports. The name is unique in the API."
_API = "The identifier of the API (resource server), such as https://api.example.com."
_DESCRIPTION = "What the permission is for, in words for people. null: no description."
# The number of items that `User.permissions` counts as when the cost of an operation is calculated.
USUAL_PERMISSIONS = 25


@strawberry.type(name="Permission", description="A permission: something that is allowed in one API.")
class PermissionObject:
    name: str = strawberry.field(description=_NAME)
    api: str = strawberry.field(description=_API)
    description: str | None = strawberry.field(description=_DESCRIPTION)


@strawberry.type(name="PermissionSource", description="One way in which a user got a permission.")
class PermissionSourceObject:
    type: PermissionSourceType = strawberry.field(description="Whether the user has it directly or from a role.")
    role_id: str | None = strawberry.field(description="The `Role.roleId` of the role. null: the type is DIRECT.")
    role_name: str | None = strawberry.field(description="The name of the role. null: the type is DIRECT.")


@strawberry.type(name="UserPermission", description="A permission of a user, with the ways in which the user got it.")
class UserPermissionObject:
    name: str = strawberry.field(description=_NAME)
    api: str = strawberry.field(description=_API)
    description: str | None = strawberry.field(description=_DESCRIPTION)
    sources: list[PermissionSourceObject] = list_field(
        2, "Every way in which the user got the permission, at least one."
    )


def permissions_of(info: Info, user: Row, first: int | None) -> list[Any] | None:
    """Returns the first permissions of a user, or all. Raises GraphQLError with COST_EXCEEDED for too many."""
    # The permissions of all roles are merged before the first ones can be returned. So the budget of the answer pays
    # for all of them, and a small `first` does not make the work free.
    if user.may_read("permissions"):
        granted = count_granted(user.record.get("permissions", ()), user.joined["roles"])
        info.context.run.take_items("permissions", max(0, granted - USUAL_PERMISSIONS), 1)
    return head(user.read("permissions"), first)
