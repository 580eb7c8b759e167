"""Permissions, and a user's with their sources."""

import strawberry

from app.schema.scalars import PermissionSourceType


@strawberry.type(description="What one may do at an API.")
class Permission:
    name: str
    api: str = strawberry.field(description="The identifier of the API (resource server).")
    description: str | None


@strawberry.type(description="How a permission came to a user.")
class PermissionSource:
    type: PermissionSourceType
    role_id: str | None
    role_name: str | None


@strawberry.type(description="A permission that a user has.")
class UserPermission:
    name: str
    api: str = strawberry.field(description="The identifier of the API (resource server).")
    description: str | None
    sources: list[PermissionSource] = strawberry.field(description="Every way in which it came.")
