"""Lists with pages: the types of Relay's cursor connections, their arguments, and the functions that read them."""

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

import strawberry
from strawberry.dataloader import DataLoader

from app.directives import CostWeight
from app.domain.attributes.nodes import NODES, list_query
from app.domain.errors import Refused
from app.domain.kinds import Relation
from app.domain.paging import DEFAULT_SIZE, MAX_COUNT, MAX_SIZE, ListQuery, Page, to_page_request
from app.domain.rows import Row
from app.policy.rules import authenticated
from app.schema.context import Info
from app.schema.costs import COUNTING

T = TypeVar("T")


@strawberry.type(name="PageInfo", description="Whether there are more pages, and the cursors to read them with.")
class PageInfoObject:
    has_next_page: bool = strawberry.field(description="Whether there are items after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there are items before this page.")
    start_cursor: str | None = strawberry.field(
        description="The cursor of the first item. Send it as `before`, with `last`, to read the previous page. null:"
        " the page is empty."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last item. Send it as `after`, with `first`, to read the next page. null: the"
        " page is empty."
    )


@strawberry.type(name="TotalCount", description="The number of items in a list, not only on the page.")
class TotalCountObject:
    value: int = strawberry.field(description=f"The number of items, at most {MAX_COUNT:,}.")
    exact: bool = strawberry.field(
        description=f"true: the list has exactly `value` items. false: the list has more than {MAX_COUNT:,} items."
    )


# Strawberry puts the name of the node before these two names: UserEdge, UserConnection.
@strawberry.type(name="Edge", description="An item of a page, with its cursor.")
class EdgeObject(Generic[T]):
    cursor: str = strawberry.field(
        description="The position of the item in the list, as opaque text for `after` and `before`. It is valid only"
        " for a list with the same arguments."
    )
    node: T = strawberry.field(description="The item.")


@strawberry.type(description="A page of a list, as in Relay's Cursor Connections Specification.")
class Connection(Generic[T]):
    # `nodes` is not part of Relay's specification. Most clients need no cursor of each item, and write less with it.
    edges: list[EdgeObject[T]] = strawberry.field(description="The items of the page, each with its cursor.")
    nodes: list[T] = strawberry.field(description="The items of the page, without cursors.")
    page_info: PageInfoObject = strawberry.field(description="Whether there are more pages, and their cursors.")
    total_count: TotalCountObject | None = strawberry.field(
        description="The number of items in the whole list. Select it only if you show it, because it is costly.",
        directives=[CostWeight(weight=COUNTING)],
    )


First = Annotated[
    int | None,
    strawberry.argument(
        description=f"The number of items, from the beginning of the list: 1 to {MAX_SIZE}. The default is"
        f" {DEFAULT_SIZE}, unless `last` is given. Not together with `last`."
    ),
]
After = Annotated[
    str | None,
    strawberry.argument(
        description="A cursor: return only items after it. For the next page, send `pageInfo.endCursor`."
    ),
]
Last = Annotated[
    int | None,
    strawberry.argument(
        description=f"The number of items, from the end of the list: 1 to {MAX_SIZE}. Not together with `first`."
    ),
]
Before = Annotated[
    str | None,
    strawberry.argument(
        description="A cursor: return only items before it. For the previous page, send `pageInfo.startCursor`."
    ),
]


async def page(
    info: Info, query: ListQuery, first: int | None, after: str | None, last: int | None, before: str | None
) -> Page:
    """Returns a page of a list of the tenant, such as all users. Raises Forbidden, or Refused for a wrong argument."""
    selection = info.context.selection(info)
    # `lists.page` checks the rule of the list itself, because no parent object has been read that could have it.
    request = to_page_request(first, after, last, before)
    lists = info.context.services.lists
    return await lists.page(
        info.context.principal, query, request, info.context.node_selection(info), "total_count" in selection
    )


async def page_of(
    info: Info,
    owner: Row,
    name: str,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    query: ListQuery | None = None,
) -> Page:
    """Returns a page of a list of one object, such as the devices of a user. `name` is the attribute of the owner.

    `query` replaces the list of the attribute, for example by one with a filter. Raises Forbidden when the caller may
    not read the attribute, or Refused for a wrong argument.
    """
    # The services that read the page trust this check: they do not know which attribute the list belongs to.
    owner.require(name)
    query = query or list_query(_relation(owner, name))
    principal = authenticated(info.context.principal)
    request, selection = to_page_request(first, after, last, before), info.context.selection(info)

    async def load(owners: list[Row]) -> Sequence[Page | Refused]:
        # The total is counted only if it is selected: the count costs more than the page.
        lists, count = info.context.services.lists, "total_count" in selection
        return await lists.pages(principal, owners, query, request, info.context.node_selection(info), count)

    # All owners of one list share a loader, so that 100 users with their devices take one command, not 100. The node of
    # the document is part of the key, because the same field can be selected twice with other fields below it.
    key = (query, request, id(info._raw_info.field_nodes[0]))
    # Without the cache of the loader: it would answer a field that follows a mutation with the state before it.
    found: Page = await info.context.loader(key, lambda: DataLoader(load, cache=False)).load(owner)
    return found


async def owned_by(info: Info, owner: Row, name: str) -> list[Row]:
    """Returns all objects of a short list of one object. `name` is the attribute of the owner.

    Raises Forbidden when the caller may not read the attribute.
    """
    # These lists have no pages: their length is limited when they are written.
    owner.require(name)
    kind = NODES[_relation(owner, name).of]
    principal = authenticated(info.context.principal)

    async def load(owners: list[Row]) -> list[list[Row]]:
        return await info.context.services.lists.owned(principal, owners, kind, info.context.selection(info))

    key = (kind.name, id(info._raw_info.field_nodes[0]))
    found: list[Row] = await info.context.loader(key, lambda: DataLoader(load, cache=False)).load(owner)
    return found


def _relation(owner: Row, name: str) -> Relation:
    relation = owner.kind.attributes[name]
    assert isinstance(relation, Relation)
    return relation
