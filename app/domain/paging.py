"""Keyset paging for Relay's cursor connections: page sizes, orders, and what a cursor contains."""

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from app.domain.errors import ErrorCode, Refused
from app.domain.filters import ALL, And, Eq, Filter
from app.domain.ids import Key
from app.domain.kinds import Kind, Order
from app.domain.rows import Row
from app.domain.times import EPOCH

DEFAULT_SIZE = 25
MAX_SIZE = 100
MAX_COUNT = 10_000


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A list to page through. Tenant, kind, order and filter identify it, so that a cursor serves no other list.

    `besides` narrows what is found without being part of that identity: a default period that moves with the clock.
    `owner` is the field that names the owner of an object, if that is not the user whom the object is about.
    """

    kind: Kind
    order: Order
    where: Filter = ALL
    besides: Filter = field(default=ALL, compare=False)
    owner: str | None = None

    def of(self, owner: Key) -> "ListQuery":
        """The list of what belongs to one owner."""
        return replace(self, where=And((self.where, Eq(self.owner_field, owner))))

    @property
    def owner_field(self) -> str:
        found = self.owner or self.kind.owner
        assert found
        return found

    def name(self, tenant: str) -> str:
        return list_hash(tenant, self.kind.name, self.order.field, self.order.direction, self.where.key())


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list: `size` from its front, or from its back, between two cursors."""

    size: int
    backward: bool = False
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """What a cursor says: the ordering value and the `_id` of a record."""

    value: Any
    key: Key


@dataclass(frozen=True, slots=True)
class Bounds:
    """A page lies behind one position and before another; None does not limit."""

    after: Position | None = None
    before: Position | None = None


@dataclass(frozen=True, slots=True)
class TotalCount:
    """Exact up to MAX_COUNT; above that `value` is a lower bound."""

    value: int
    exact: bool


@dataclass(frozen=True, slots=True)
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class Edge:
    cursor: str
    node: Row


@dataclass(frozen=True, slots=True)
class Page:
    """A connection's answer; `total_count` only where it was asked for."""

    edges: list[Edge]
    page_info: PageInfo
    total_count: TotalCount | None = None

    @property
    def nodes(self) -> list[Row]:
        return [edge.node for edge in self.edges]


def to_page_request(first: int | None, after: str | None, last: int | None, before: str | None) -> PageRequest:
    """Refused for a size outside 1 to 100, and for `first` beside `last`."""
    if first is not None and last is not None:
        raise Refused(ErrorCode.INVALID_INPUT, "Give first or last, not both.", ("last",))
    for name, size in (("first", first), ("last", last)):
        if size is not None and not 1 <= size <= MAX_SIZE:
            raise Refused(ErrorCode.INVALID_INPUT, f"{name} is 1 to {MAX_SIZE}, not {size}.", (name,))
    if last is not None:
        return PageRequest(last, True, after, before)
    return PageRequest(DEFAULT_SIZE if first is None else first, False, after, before)


def list_hash(*parts: object) -> str:
    """Short name of one list: its tenant, filter and order. A cursor holds it, and serves no other list."""
    return sha256(repr(parts).encode()).hexdigest()[:16]


def encode_cursor(name: str, value: Any, key: object) -> str:
    """A position in the list called `name`: the ordering value and `_id` of a row."""
    content = json.dumps([name, _pack(value), str(key)], separators=(",", ":"))
    return urlsafe_b64encode(content.encode()).decode().rstrip("=")


def decode_cursor(name: str, text: str, argument: str) -> tuple[Any, str]:
    """(ordering value, `_id`); Refused where the cursor is not ours or is of another list."""
    try:
        content = json.loads(b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
        found, value, key = content
        place = (_unpack(value), str(key))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise Refused(ErrorCode.INVALID_INPUT, f"{argument} is no cursor of this API.", (argument,)) from None
    if found != name:
        message = f"{argument} is a cursor of another list: filter and order must be as they were."
        raise Refused(ErrorCode.INVALID_INPUT, message, (argument,))
    return place


def _pack(value: Any) -> Any:
    """A time as {"ms": n}, since JSON has none."""
    if isinstance(value, datetime):
        return {"ms": (value - EPOCH) // timedelta(milliseconds=1)}
    return value


def _unpack(value: Any) -> Any:
    if isinstance(value, Mapping):
        return EPOCH + timedelta(milliseconds=int(value["ms"]))
    # What the database could not hold was in no cursor of ours.
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, int):
        value.to_bytes(8, signed=True)
    elif value is not None and not isinstance(value, float):
        raise TypeError
    return value


def to_page(
    rows: Sequence[Row], order: Order, request: PageRequest, name: str, total_count: TotalCount | None = None
) -> Page:
    """Makes a page of the rows found, in list order; one more than the page takes says that there are more."""
    more = len(rows) > request.size
    if more:
        rows = rows[1:] if request.backward else rows[:-1]
    edges = [Edge(encode_cursor(name, row.record.get(order.field), row.record["_id"]), row) for row in rows]
    info = PageInfo(
        has_next_page=bool(request.before) if request.backward else more,
        has_previous_page=more if request.backward else bool(request.after),
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Page(edges, info, total_count)
