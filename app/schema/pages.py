"""The GraphQL types of Relay's cursor connections, their edges and their arguments."""

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

import strawberry
from strawberry.dataloader import DataLoader

from app.directives import CostWeight
from app.domain.attributes.nodes import NODES, list_query
from app.domain.errors import Refused
from app.domain.kinds import Relation
from app.domain.paging import ListQuery, Page, to_page_request
from app.domain.rows import Row
from app.policy.rules import authenticated
from app.schema.context import Info
from app.schema.costs import COUNTING

T = TypeVar("T")


@strawberry.type(name="PageInfo", description="Where a page stands in its list.")
class PageInfoObject:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type(name="TotalCount", description="Exact up to 10,000; above that `value` is a lower bound.")
class TotalCountObject:
    value: int
    exact: bool


@strawberry.type(name="Edge", description="An item of a page, and its place in the list.")
class EdgeObject(Generic[T]):
    cursor: str
    node: T


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    edges: list[EdgeObject[T]]
    nodes: list[T]
    page_info: PageInfoObject
    total_count: TotalCountObject | None = strawberry.field(
        description="Counted only when asked for.", directives=[CostWeight(weight=COUNTING)]
    )


First = Annotated[int | None, strawberry.argument(description="How many from the front: 1 to 100; 25 when left out.")]
After = Annotated[str | None, strawberry.argument(description="Only what comes behind this cursor.")]
Last = Annotated[int | None, strawberry.argument(description="How many from the back: 1 to 100.")]
Before = Annotated[str | None, strawberry.argument(description="Only what comes before this cursor.")]


async def page(
    info: Info, query: ListQuery, first: int | None, after: str | None, last: int | None, before: str | None
) -> Page:
    """A page of a tenant's list."""
    asked = info.context.selection(info)
    request = to_page_request(first, after, last, before)
    lists = info.context.services.lists
    return await lists.page(
        info.context.principal, query, request, info.context.node_selection(info), "total_count" in asked
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
    """A page of the relation called `name`; owners side by side share one command.

    `query` narrows the relation. Forbidden when the caller may not read it.
    """
    owner.require(name)
    query = query or list_query(_relation(owner, name))
    principal = authenticated(info.context.principal)
    request, asked = to_page_request(first, after, last, before), info.context.selection(info)

    async def load(owners: list[Row]) -> Sequence[Page | Refused]:
        lists, count = info.context.services.lists, "total_count" in asked
        return await lists.pages(principal, owners, query, request, info.context.node_selection(info), count)

    key = (query, request, id(info._raw_info.field_nodes[0]))
    found: Page = await info.context.loader(key, lambda: DataLoader(load, cache=False)).load(owner)
    return found


async def owned_by(info: Info, owner: Row, name: str) -> list[Row]:
    """All objects of the relation called `name`; owners side by side share one command. Forbidden likewise."""
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
