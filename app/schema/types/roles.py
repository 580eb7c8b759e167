"""Roles."""

from dataclasses import replace
from typing import Any, cast

import strawberry

from app.directives import ListSize
from app.domain.attributes.roles import ROLE
from app.domain.attributes.users import USER
from app.domain.paging import ListQuery, Order
from app.schema.authorized import Node, row_type
from app.schema.context import Info
from app.schema.lists import FirstOf, head
from app.schema.pages import After, Before, Connection, First, Last, page_of
from app.schema.types.permissions import PermissionObject
from app.schema.types.users import UserObject

USERS = ListQuery(USER, Order("created_at", -1))
USERS_OF_ROLE = replace(USERS, owner="role_ids")


@row_type(ROLE, "A set of permissions that users are given together.")
class RoleObject(Node):
    id: strawberry.ID
    role_id: str
    name: str
    description: str | None
    version: int

    @strawberry.field(directives=[ListSize(assumed_size=25)])
    def permissions(root: strawberry.Parent[Any], first: FirstOf = None) -> list[PermissionObject] | None:  # noqa: N805
        return head(root.read("permissions"), first)

    @strawberry.field
    async def users(
        root: strawberry.Parent[Any],  # noqa: N805
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[UserObject] | None:
        root.require("users")
        return cast("Connection[UserObject]", await page_of(info, root, USERS_OF_ROLE, first, after, last, before))
