"""The queries `node` and `nodes`: any object by its global id."""

from typing import Annotated, Any, cast

import strawberry

from app.directives import Constraint, ListSize
from app.domain.attributes.nodes import NODES
from app.domain.errors import Forbidden
from app.domain.filters import In
from app.domain.paging import MAX_SIZE
from app.schema.authorized import Node
from app.schema.context import Info
from app.schema.ids import known_id

Ids = Annotated[list[strawberry.ID], strawberry.argument(directives=[Constraint(max_items=MAX_SIZE)])]


@strawberry.type
class NodeQueries:
    @strawberry.field(description="Whatever has this global id; null where that is nothing, or nothing to be seen.")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        found = (await _nodes(info, [id], "id"))[0]
        if isinstance(found, Forbidden):
            raise found
        return cast("Node | None", found)

    @strawberry.field(
        description="As `node`, at most 100, in the order of the ids.",
        directives=[ListSize(slicing_arguments=["ids"])],
    )
    async def nodes(self, info: Info, ids: Ids) -> list[Node | None] | None:
        return cast("list[Node | None]", await _nodes(info, ids, "ids"))


async def _nodes(info: Info, ids: list[strawberry.ID], argument: str) -> list[Any]:
    """One command for each kind among the ids, however many there are. `argument` is what errors name."""
    known = [known_id(each, (argument,)) for each in ids]
    context = info.context
    found: dict[tuple[str, Any], Any] = {}
    for kind in {name for name, _ in known}:
        wanted = [each for each in known if each[0] == kind]
        where = In("_id", [key for _, key in wanted])
        try:
            rows = await context.services.reads.find(context.principal, NODES[kind], where, context.selection(info))
            found.update({(kind, row.record["_id"]): row for row in rows})
        except Forbidden as refusal:
            # In the place of each: a denial nulls what it is about, and nothing beside it.
            found.update(dict.fromkeys(wanted, refusal))
    return [found.get(each) for each in known]
