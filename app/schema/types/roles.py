"""The type Role."""

from typing import Any, cast

import strawberry

from app.directives import ListSize
from app.domain.attributes.roles import ROLE
from app.schema.authorized import Node, row_type
from app.schema.context import Info
from app.schema.lists import FirstOf, head
from app.schema.pages import After, Before, Connection, First, Last, page_of
from app.schema.types.permissions import PermissionObject
from app.schema.types.users import UserObject


@row_type(ROLE, "A role: a named set of permissions. A user who has the role has all of them.")
class RoleObject(Node):
    id: strawberry.ID
    role_id: str
    name: str
    description: str | None
    version: int

    # A role can have 1,000 permissions, but usually has few. The items of longer lists are taken from the budget.
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
        return cast("Connection[UserObject]", await page_of(info, root, "users", first, after, last, before))
