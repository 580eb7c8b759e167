"""Permissions, and a user's with their sources."""

from typing import Any

import strawberry

from app.directives import ListSize
from app.domain.permissions import count_granted
from app.domain.rows import Row
from app.schema.context import Info
from app.schema.lists import head
from app.schema.scalars import PermissionSourceType


@strawberry.type(name="Permission", description="What one may do at an API.")
class PermissionObject:
    name: str
    api: str = strawberry.field(description="The identifier of the API (resource server).")
    description: str | None


@strawberry.type(name="PermissionSource", description="How a permission came to a user.")
class PermissionSourceObject:
    type: PermissionSourceType
    role_id: str | None
    role_name: str | None


@strawberry.type(name="UserPermission", description="A permission that a user has.")
class UserPermissionObject:
    name: str
    api: str = strawberry.field(description="The identifier of the API (resource server).")
    description: str | None
    sources: list[PermissionSourceObject] = strawberry.field(
        description="Every way in which it came.", directives=[ListSize(assumed_size=2)]
    )


# As many as `User.permissions` counts as.
USUAL_PERMISSIONS = 25


def permissions_of(info: Info, user: Row, first: int | None) -> list[Any] | None:
    """All that roles give is put together, however few are answered: what is beyond the usual is taken as values."""
    if user.may_read("permissions"):
        granted = count_granted(user.record.get("permissions", ()), user.joined["roles"])
        info.context.run.take_items("permissions", max(0, granted - USUAL_PERMISSIONS), 1)
    return head(user.read("permissions"), first)
