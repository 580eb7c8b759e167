"""Roles."""

from typing import Annotated, cast

import strawberry

from app.domain.attributes.roles import ROLE
from app.domain.filters import ALL, Contains, Eq, Filter
from app.domain.identifiers import fold
from app.domain.kinds import Order
from app.domain.paging import ListQuery
from app.domain.roles import check_name_contains
from app.domain.rules import READ_ROLES
from app.schema.authorized import authorized
from app.schema.context import Info
from app.schema.pages import After, Before, Connection, First, Last, page
from app.schema.types.roles import RoleObject

ROLES_BY_NAME = Order("name_folded", 1)


@strawberry.type
class RoleQueries:
    @strawberry.field(directives=[authorized(READ_ROLES)])
    async def role(self, info: Info, role_id: str) -> RoleObject | None:
        context = info.context
        where = Eq("role_id", role_id)
        return cast(
            "RoleObject | None",
            await context.services.reads.get(context.principal, ROLE, where, info.context.selection(info)),
        )

    @strawberry.field(description="By name.", directives=[authorized(READ_ROLES)])
    async def roles(
        self,
        info: Info,
        name_contains: Annotated[str | None, strawberry.argument(description="Without regard to case.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[RoleObject] | None:
        where: Filter = ALL
        if name_contains is not None:
            check_name_contains(name_contains)
            where = Contains("name_folded", fold(name_contains))
        roles = ListQuery(ROLE, ROLES_BY_NAME, where)
        return cast("Connection[RoleObject]", await page(info, roles, first, after, last, before))
