"""The queries `role` and `roles`."""

from typing import Annotated, cast

import strawberry

from app.domain.attributes.roles import ROLE
from app.domain.filters import ALL, Contains, Eq, Filter
from app.domain.identifiers import fold
from app.domain.kinds import Order
from app.domain.paging import ListQuery
from app.domain.roles import MAX_NAME, check_name_contains
from app.domain.rules import READ_ROLES
from app.schema.authorized import authorized
from app.schema.context import Info
from app.schema.pages import After, Before, Connection, First, Last, page
from app.schema.types.roles import RoleObject

# By the folded name: upper and lower case count as equal, as in the unique index.
ROLES_BY_NAME = Order("name_folded", 1)


@strawberry.type
class RoleQueries:
    @strawberry.field(
        description="The role with this id. null: it does not exist.", directives=[authorized(READ_ROLES)]
    )
    async def role(
        self, info: Info, role_id: Annotated[str, strawberry.argument(description="The `Role.roleId` of the role.")]
    ) -> RoleObject | None:
        context = info.context
        where = Eq("role_id", role_id)
        return cast(
            "RoleObject | None",
            await context.services.reads.get(context.principal, ROLE, where, info.context.selection(info)),
        )

    @strawberry.field(description="The roles of the tenant, sorted by name.", directives=[authorized(READ_ROLES)])
    async def roles(
        self,
        info: Info,
        name_contains: Annotated[
            str | None,
            strawberry.argument(
                description=f"Return only roles with this text in their name, in upper or lower case. At most"
                f" {MAX_NAME} characters. The default is all roles."
            ),
        ] = None,
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
