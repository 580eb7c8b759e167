"""The queries `node` and `nodes`, which read objects by global id."""

from typing import Annotated, Any, cast

import strawberry

from app.directives import Constraint, ListSize
from app.domain.attributes.nodes import NODES
from app.domain.errors import Forbidden
from app.domain.filters import In
from app.domain.paging import MAX_SIZE
from app.schema.authorized import Node
from app.schema.context import Info
from app.schema.ids import read_id

Id = Annotated[strawberry.ID, strawberry.argument(description="The `id` of the object.")]
Ids = Annotated[
    list[strawberry.ID],
    strawberry.argument(
        description=f"The `id` of each object, at most {MAX_SIZE}.", directives=[Constraint(max_items=MAX_SIZE)]
    ),
]


@strawberry.type
class NodeQueries:
    @strawberry.field(
        description="The object with this global id. null: it does not exist, or the caller has no right to know"
        " that it exists. Text that is not a global id is refused with BAD_USER_INPUT."
    )
    async def node(self, info: Info, id: Id) -> Node | None:
        found = (await _nodes(info, [id], "id"))[0]
        if isinstance(found, Forbidden):
            raise found
        return cast("Node | None", found)

    @strawberry.field(
        description="The objects with these global ids, in the order of `ids`. An item is null where `node` would be"
        " null or refused.",
        directives=[ListSize(slicing_arguments=["ids"])],
    )
    async def nodes(self, info: Info, ids: Ids) -> list[Node | None] | None:
        return cast("list[Node | None]", await _nodes(info, ids, "ids"))


async def _nodes(info: Info, ids: list[strawberry.ID], argument: str) -> list[Any]:
    """Returns the rows in the order of the ids, or for each an error or None. Errors name `argument`.

    Takes one database command for each kind of object, however many ids there are.
    """
    known = [read_id(each, (argument,)) for each in ids]
    context = info.context
    found: dict[tuple[str, Any], Any] = {}
    for kind in {name for name, _ in known}:
        wanted = [each for each in known if each[0] == kind]
        where = In("_id", [key for _, key in wanted])
        try:
            rows = await context.services.reads.find(context.principal, NODES[kind], where, context.selection(info))
            found.update({(kind, row.record["_id"]): row for row in rows})
        except Forbidden as refusal:
            # The refusal is the value of each object of this kind, so that the objects of other kinds are still
            # returned.
            found.update(dict.fromkeys(wanted, refusal))
    return [found.get(each) for each in known]
