"""The one way of reading: get one, or a page, as far as the caller may."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.domain.attributes.logs import LOG_EVENT
from app.domain.attributes.users import USER
from app.domain.errors import ErrorCode, Refused
from app.domain.paging import (
    MAX_COUNT,
    Order,
    Page,
    TotalCount,
    Window,
    decode_cursor,
    list_hash,
    to_page,
)
from app.domain.principals import Principal
from app.domain.rows import Join, Kind, Row, Selection, Tree
from app.domain.rules import ReadableRules, Rule
from app.policy.logs import visible_events
from app.policy.rules import authenticated, holds, readable, require, require_for_any_profile
from app.services.joins import Joins
from app.store.documents import Document, Documents, Filter, between
from app.store.snapshots import Snapshots
from app.store.token_cipher import TokenCipher

# Of one selection: as many as there are sets of rules among its callers.
MAX_PLANS = 20
# The caller's own profile: what is needed to know who calls is read whatever is asked for.
CALLER = replace(USER, needs=("user_id", "blocked", "name", "linked"))


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to read for a selection, by whom some rules hold for."""

    paths: frozenset[str]
    joins: frozenset[Join]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list to page through. `key` is its filter as the client gave it; tenant, kind, order and key name the list."""

    kind: Kind
    where: Filter
    order: Order
    key: tuple[Any, ...] = ()

    def of(self, owner: object) -> "Listing":
        """This list, of one owner."""
        return replace(self, key=(*self.key, str(owner)))

    def name(self, tenant: str) -> str:
        return list_hash(tenant, self.kind.name, self.order.field, self.order.direction, *self.key)


class Reads:
    """Every answer is rows that hold what was asked for and may be read."""

    def __init__(self, documents: Documents, snapshots: Snapshots, cipher: TokenCipher) -> None:
        self._documents = documents
        self._joins = Joins(documents, snapshots, cipher)

    async def get(
        self,
        principal: Principal | None,
        kind: Kind,
        keys: Filter,
        selection: Selection,
        written: bool = False,
    ) -> Row | None:
        """None for what is not there and for what the caller may not know of: both look the same.

        Forbidden where no such thing could be read by this caller. `written`: the caller just wrote it, and is
        given the row, in which only what may be read is readable.
        """
        assert kind.read
        principal = authenticated(principal) if written else require_for_any_profile(principal, kind.read)
        narrowed = self._narrow(principal, kind, kind.read, written)
        if narrowed is None:
            return None
        where = {"tenant": principal.tenant, **keys, **narrowed}
        paths, joins = self._asked(principal, kind, selection)
        document = await self._documents.find_one(kind.collection, where, paths)
        return None if document is None else (await self._rows(principal, kind, [document], joins))[0]

    async def find(self, principal: Principal | None, kind: Kind, keys: Filter, selection: Selection) -> list[Row]:
        """All of them, in no order: for what is named by ids, or is few. Without the right to any: Forbidden."""
        assert kind.read
        principal = require_for_any_profile(principal, kind.read)
        narrowed = self._narrow(principal, kind, kind.read, False)
        if narrowed is None:
            return []
        paths, joins = self._asked(principal, kind, selection)
        where = {"tenant": principal.tenant, **keys, **narrowed}
        return await self._rows(principal, kind, await self._documents.find(kind.collection, where, paths), joins)

    async def page(
        self,
        principal: Principal | None,
        listing: Listing,
        window: Window,
        selection: Selection,
        count: bool = False,
    ) -> Page:
        """A page of a tenant's list, with `total_count` where `count` asks for it."""
        assert listing.kind.list
        return await self._page(require(principal, listing.kind.list), listing, window, selection, count)

    async def pages(
        self,
        principal: Principal,
        owners: Sequence[Row],
        field: str,
        listing: Listing,
        window: Window,
        selection: Selection,
        count: bool = False,
    ) -> list[Page | Refused]:
        """The same page of what belongs to each owner: one command, and one more where they are counted.

        That the owners' lists may be read was asked of the owners before. `field` names the owner in a document.
        """
        if len(owners) == 1 or window.after or window.before:
            # A cursor is of one owner's list: every other owner refuses it.
            return [await self._page_of(principal, each, field, listing, window, selection, count) for each in owners]
        kind, where = listing.kind, self._where(principal, listing)
        paths, joins = self._asked(principal, kind, selection)
        keys = [row.record["_id"] for row in owners]
        owner = (owners[0].kind.collection, principal.tenant, field)
        found = await self._documents.find_pages(owner, keys, kind.collection, where, listing.order, window, paths)
        counts = await self._documents.count_each(owner, keys, kind.collection, where, MAX_COUNT + 1) if count else None
        pages: list[Page | Refused] = []
        for key in keys:
            rows = await self._rows(principal, kind, found.get(key, []), joins)
            total = None if counts is None else _total(counts.get(key, 0))
            pages.append(to_page(rows, listing.order, window, listing.of(key).name(principal.tenant), total))
        return pages

    async def belongings(
        self, principal: Principal, owners: Sequence[Row], kind: Kind, selection: Selection
    ) -> list[list[Row]]:
        """All of what belongs to each owner and to what is linked to them, oldest first: one command. For what is few.

        That the owners' may be read was asked of the owners before.
        """
        assert kind.owner
        paths, joins = self._asked(principal, kind, selection)
        keys = [[row.record["_id"], *row.record.get("linked", ())] for row in owners]
        where = {"tenant": principal.tenant, kind.owner: {"$in": [each for own in keys for each in own]}}
        found = await self._documents.find(kind.collection, where, paths)
        rows = await self._rows(principal, kind, sorted(found, key=lambda each: str(each["_id"])), joins)
        return [[row for row in rows if row.record[kind.owner] in own] for own in keys]

    async def _page_of(
        self,
        principal: Principal,
        owner: Row,
        field: str,
        listing: Listing,
        window: Window,
        selection: Selection,
        count: bool,
    ) -> Page | Refused:
        key, linked = owner.record["_id"], owner.record.get("linked")
        one = replace(listing.of(key), where={**listing.where, field: {"$in": [key, *linked]} if linked else key})
        try:
            return await self._page(principal, one, window, selection, count)
        except Refused as refusal:
            return refusal

    async def _page(
        self, principal: Principal, listing: Listing, window: Window, selection: Selection, count: bool
    ) -> Page:
        kind, where, name = listing.kind, self._where(principal, listing), listing.name(principal.tenant)
        paths, joins = self._asked(principal, kind, selection)
        places = _places(listing.order, name, window)
        found = await self._documents.find_page(kind.collection, where, listing.order, window, places, paths)
        rows = await self._rows(principal, kind, found, joins)
        total = await self._count(kind, where) if count else None
        return to_page(rows, listing.order, window, name, total)

    def _where(self, principal: Principal, listing: Listing) -> Filter:
        return {"tenant": principal.tenant, **listing.where, **self._visible(principal, listing.kind)}

    async def _count(self, kind: Kind, where: Filter) -> TotalCount:
        return _total(await self._documents.count(kind.collection, where, MAX_COUNT + 1))

    def _narrow(self, principal: Principal, kind: Kind, rule: Rule, written: bool) -> Filter | None:
        """What is added to a filter so that only what may be known is found; None where that is nothing."""
        visible = self._visible(principal, kind)
        if written:
            return visible
        if holds(principal, rule):
            # What is about no user belongs to the tenant: it is for those who may list it.
            may_list = kind.list is None or holds(principal, kind.list)
            return visible if may_list else {**visible, "$and": [{kind.owner: {"$ne": None}}]}
        if kind.owner is None or principal.profile is None:
            return None
        return {**visible, "$and": [{kind.owner: {"$in": principal.own()}}]}

    def _visible(self, principal: Principal, kind: Kind) -> Filter:
        if kind is LOG_EVENT:
            return visible_events(principal)
        # A profile that is linked to another waits, unseen.
        return {"linked_to": None} if kind is USER else {}

    def _asked(self, principal: Principal, kind: Kind, selection: Selection) -> tuple[frozenset[str], frozenset[Join]]:
        rules: frozenset[Rule] = readable(principal, is_self=False)
        if kind.owner and principal.profile is not None:
            rules |= readable(principal, is_self=True)
        plan = self._plan(kind, selection, rules)
        return plan.paths, plan.joins

    def _plan(self, kind: Kind, selection: Selection, rules: frozenset[Rule]) -> _Plan:
        """What a selection comes to is found out once for each set of rules: clients send the same few documents."""
        if not isinstance(selection, Tree):
            return _Plan(kind.projection(selection, rules), kind.joins(selection, rules))
        # The plans of a selection are forgotten with the document that it is kept with.
        if selection.plans is None:
            selection.plans = {}
        known: _Plan | None = selection.plans.get((kind, rules))
        if known is None:
            if len(selection.plans) >= MAX_PLANS:
                selection.plans.clear()
            known = _Plan(kind.projection(selection, rules), kind.joins(selection, rules))
            selection.plans[kind, rules] = known
        return known

    async def _rows(
        self, principal: Principal, kind: Kind, documents: Sequence[Document], joins: frozenset[Join]
    ) -> list[Row]:
        joined = await self._joins.join(principal, joins, documents)
        return [
            Row(kind, each, self._readable(principal, kind, each), beside)
            for each, beside in zip(documents, joined, strict=True)
        ]

    def _readable(self, principal: Principal, kind: Kind, document: Document) -> ReadableRules:
        is_self = kind.owner is not None and principal.is_self(document.get(kind.owner))
        return readable(principal, is_self)

    async def viewer(self, principal: Principal, where: Filter, selection: Selection) -> Row | None:
        """The caller's own profile, by what their token says, before it is known whether they have one.

        The row is for finding out who calls; the right to read it is asked where it is answered.
        """
        rules = readable(principal, is_self=True)
        plan = self._plan(CALLER, selection, rules)
        where = {"tenant": principal.tenant, **where, "linked_to": None}
        document = await self._documents.find_one("users", where, plan.paths)
        if document is None:
            return None
        [joined] = await self._joins.join(principal, plan.joins, [document])
        return Row(USER, document, rules, joined)


def _total(found: int) -> TotalCount:
    return TotalCount(min(found, MAX_COUNT), found <= MAX_COUNT)


def _places(order: Order, name: str, window: Window) -> list[Filter]:
    places = []
    for argument, cursor, after in (("after", window.after, True), ("before", window.before, False)):
        if cursor is not None:
            place = between(order, decode_cursor(name, cursor, argument), after)
            if place is None:
                raise Refused(ErrorCode.INVALID_INPUT, f"{argument} is no cursor of this API.", (argument,))
            places.append(place)
    return places
