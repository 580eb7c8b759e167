"""The query `authConnections`."""

from typing import cast

import strawberry

from app.directives import ListSize
from app.domain.attributes.connections import CONNECTION
from app.domain.filters import ALL
from app.domain.rules import READ_CONNECTIONS
from app.schema.authorized import authorized
from app.schema.context import Info
from app.schema.types.connections import AuthConnectionObject


@strawberry.type
class ConnectionQueries:
    @strawberry.field(
        description="All connections of the tenant, sorted by name.",
        directives=[authorized(READ_CONNECTIONS), ListSize(assumed_size=100)],
    )
    async def auth_connections(self, info: Info) -> list[AuthConnectionObject] | None:
        context = info.context
        rows = await context.services.reads.find(context.principal, CONNECTION, ALL, info.context.selection(info))
        # A tenant has few connections. Sorting them here needs no index.
        return cast("list[AuthConnectionObject]", sorted(rows, key=lambda row: row.record["name"]))
