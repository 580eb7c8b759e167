"""Lists: pages of a list, and complete short lists, of a tenant or of an object."""

from collections.abc import Sequence
from dataclasses import replace

from app.domain.errors import ErrorCode, Refused
from app.domain.filters import And, Filter, In
from app.domain.ids import Key
from app.domain.kinds import Kind
from app.domain.paging import (
    MAX_COUNT,
    Bounds,
    ListQuery,
    Page,
    PageRequest,
    Position,
    TotalCount,
    decode_cursor,
    to_page,
)
from app.domain.principals import Principal
from app.domain.rows import Row
from app.domain.selections import Selection
from app.policy.rules import require
from app.policy.visibility import visible
from app.services.rows import Rows
from app.store.database import to_key
from app.store.records import Owners, Records


class Lists:
    """Reads lists. Every query contains a filter for what the caller may see."""

    # Objects are never removed from a page after the query: pages would have gaps, and `totalCount` would count objects
    # that the caller must not learn about.

    def __init__(self, records: Records, rows: Rows) -> None:
        self._records = records
        self._rows = rows

    async def page(
        self,
        principal: Principal | None,
        query: ListQuery,
        request: PageRequest,
        selection: Selection,
        count: bool = False,
    ) -> Page:
        """Returns a page of a list of the tenant. With `count`, the page has `total_count`.

        Raises Unauthenticated, Forbidden, and Refused with INVALID_INPUT for a cursor of another list.
        """
        assert query.kind.list
        principal = require(principal, query.kind.list)
        return await self._page(principal, query, query.name(principal.tenant), request, selection, count)

    async def pages(
        self,
        principal: Principal,
        owners: Sequence[Row],
        query: ListQuery,
        request: PageRequest,
        selection: Selection,
        count: bool = False,
    ) -> list[Page | Refused]:
        """Returns a page for each owner, of the objects that belong to the owner, in the order of the owners.

        A cursor that is refused results in Refused instead of the page. The caller of this method must check that the
        list of each owner may be read.
        """
        # One database command reads the pages of all owners, and one more counts: otherwise a page of 50 users with
        # their events would need 50 commands.
        if len(owners) == 1 or request.after or request.before:
            # A cursor belongs to the list of one owner. The lists of all other owners refuse it.
            return [await self._page_of(principal, each, query, request, selection, count) for each in owners]
        tenant, kind, where = principal.tenant, query.kind, _where(principal, query)
        plan = self._rows.plan(principal, kind, selection)
        asked = Owners(owners[0].kind, query.owner_field, [row.record["_id"] for row in owners])
        found = await self._records.find_pages(asked, kind, tenant, where, query.order, request, plan.paths)
        counts = await self._records.count_each(asked, kind, tenant, where, MAX_COUNT + 1) if count else None
        pages: list[Page | Refused] = []
        for key in asked.keys:
            rows = await self._rows.make(principal, kind, found.get(key, []), plan)
            total = None if counts is None else TotalCount.up_to(MAX_COUNT, counts.get(key, 0))
            pages.append(to_page(rows, query.order, request, query.of(key).name(tenant), total))
        return pages

    async def owned(
        self, principal: Principal, owners: Sequence[Row], kind: Kind, selection: Selection
    ) -> list[list[Row]]:
        """Returns all objects of each owner and of the profiles linked to the owner, oldest first; for short lists.

        It sends one database command. The caller of this method must check that the list of each owner may be read.
        """
        assert kind.owner
        plan = self._rows.plan(principal, kind, selection)
        keys = [_own_keys(row) for row in owners]
        where = And((In(kind.owner, [each for own in keys for each in own]), visible(principal, kind)))
        found = await self._records.find(kind, principal.tenant, where, plan.paths)
        oldest_first = sorted(found, key=lambda each: str(each["_id"]))
        rows = await self._rows.make(principal, kind, oldest_first, plan)
        return [[row for row in rows if row.record[kind.owner] in own] for own in keys]

    async def _page_of(
        self,
        principal: Principal,
        owner: Row,
        query: ListQuery,
        request: PageRequest,
        selection: Selection,
        count: bool,
    ) -> Page | Refused:
        own = replace(query, where=And((query.where, In(query.owner_field, _own_keys(owner)))))
        # The name contains only the owner's key, so cursors stay valid when an account is linked to the owner.
        name = query.of(owner.record["_id"]).name(principal.tenant)
        try:
            return await self._page(principal, own, name, request, selection, count)
        except Refused as refusal:
            return refusal

    async def _page(
        self,
        principal: Principal,
        query: ListQuery,
        name: str,
        request: PageRequest,
        selection: Selection,
        count: bool,
    ) -> Page:
        tenant, kind, where = principal.tenant, query.kind, _where(principal, query)
        plan, bounds = self._rows.plan(principal, kind, selection), _bounds(name, request)
        found = await self._records.find_page(kind, tenant, where, query.order, request, bounds, plan.paths)
        rows = await self._rows.make(principal, kind, found, plan)
        total = await self._records.count(kind, tenant, where, query.order) if count else None
        if total is not None and not total.exact:
            # A count that was stopped early can be smaller than the page.
            total = TotalCount(max(total.value, len(found)), exact=False)
        return to_page(rows, query.order, request, name, total)


def _where(principal: Principal, query: ListQuery) -> Filter:
    return And((query.where, query.extra_filter, visible(principal, query.kind)))


def _own_keys(owner: Row) -> list[Key]:
    """Returns the `_id`s of the owner and of the profiles that are linked to it."""
    return [owner.record["_id"], *owner.record.get("linked", ())]


def _bounds(name: str, request: PageRequest) -> Bounds:
    return Bounds(_position(name, request.after, "after"), _position(name, request.before, "before"))


def _position(name: str, cursor: str | None, argument: str) -> Position | None:
    if cursor is None:
        return None
    value, text = decode_cursor(name, cursor, argument)
    key = to_key(text)
    if key is None:
        raise Refused(ErrorCode.INVALID_INPUT, f"{argument} is not a cursor of this API.", (argument,))
    return Position(value, key)
