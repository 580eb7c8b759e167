"""The query `loginRules`."""

from typing import cast

import strawberry

from app.directives import ListSize
from app.domain.rules import READ_CONNECTIONS
from app.schema.authorized import authorized
from app.schema.context import Info
from app.schema.types.login_rules import LoginRuleObject


@strawberry.type
class LoginRuleQueries:
    @strawberry.field(
        description="All installed login rules, sorted by name, also those that are off for this tenant.",
        directives=[authorized(READ_CONNECTIONS), ListSize(assumed_size=20)],
    )
    async def login_rules(self, info: Info) -> list[LoginRuleObject] | None:
        # Sorted by the service. The rule of this query is checked there, too.
        return cast("list[LoginRuleObject]", await info.context.services.connections.rules(info.context.principal))
