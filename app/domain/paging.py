"""Keyset pagination for Relay's cursor connections: page sizes, orders and cursors."""

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
# `totalCount` is exact up to this number. Counting more would be too slow.
MAX_COUNT = 10_000


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A list with pages. Its tenant, kind, order and filter identify it: a cursor is only valid for one list.

    `extra_filter` narrows the list but does not identify it, such as a default period that moves with the clock.
    `owner` is the field of an object that contains its owner, if it is not the field `owner` of the kind.
    """

    kind: Kind
    order: Order
    where: Filter = ALL
    extra_filter: Filter = field(default=ALL, compare=False)
    owner: str | None = None

    def of(self, owner: Key) -> "ListQuery":
        """Returns the list of the objects of one owner."""
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
    """The requested part of a list: `size` objects from the beginning, or from the end, between two cursors."""

    size: int
    backward: bool = False
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """The content of a cursor: the value by which the list is ordered, and the `_id` of a record."""

    value: Any
    key: Key


@dataclass(frozen=True, slots=True)
class Bounds:
    """The positions between which a page lies. None is no limit."""

    after: Position | None = None
    before: Position | None = None


@dataclass(frozen=True, slots=True)
class TotalCount:
    """Exact up to MAX_COUNT; above that `value` is a lower bound."""

    value: int
    exact: bool

    @classmethod
    def up_to(cls, limit: int, found: int) -> "TotalCount":
        """The result of a count that stops at one more than `limit`."""
        return cls(min(found, limit), found <= limit)


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
    """A page of a list. `total_count` is None unless it was requested."""

    edges: list[Edge]
    page_info: PageInfo
    total_count: TotalCount | None = None

    @property
    def nodes(self) -> list[Row]:
        return [edge.node for edge in self.edges]


def to_page_request(first: int | None, after: str | None, last: int | None, before: str | None) -> PageRequest:
    """Raises Refused with INVALID_INPUT for a size outside 1 to MAX_SIZE, and for both `first` and `last`."""
    if first is not None and last is not None:
        raise Refused(ErrorCode.INVALID_INPUT, "Send first or last, not both.", ("last",))
    for name, size in (("first", first), ("last", last)):
        if size is not None and not 1 <= size <= MAX_SIZE:
            raise Refused(ErrorCode.INVALID_INPUT, f"{name} must be 1 to {MAX_SIZE}, not {size}.", (name,))
    if last is not None:
        return PageRequest(last, True, after, before)
    return PageRequest(DEFAULT_SIZE if first is None else first, False, after, before)


def list_hash(*parts: object) -> str:
    """Returns a short hash that identifies a list by its tenant, kind, order and filter."""
    # A cursor contains it. A cursor that could be used with another filter would be a way around that filter.
    return sha256(repr(parts).encode()).hexdigest()[:16]


def encode_cursor(name: str, value: Any, key: object) -> str:
    """Returns a cursor for the list with the hash `name`: the value by which it is ordered, and the `_id` of a row."""
    content = json.dumps([name, _pack(value), str(key)], separators=(",", ":"))
    return urlsafe_b64encode(content.encode()).decode().rstrip("=")


def decode_cursor(name: str, text: str, argument: str) -> tuple[Any, str]:
    """Returns the ordering value and the `_id`.

    Raises Refused with INVALID_INPUT when the text is not a cursor, or is a cursor of another list.
    """
    try:
        content = json.loads(b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
        found, value, key = content
        place = (_unpack(value), str(key))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise Refused(ErrorCode.INVALID_INPUT, f"{argument} is not a cursor of this API.", (argument,)) from None
    if found != name:
        message = f"{argument} is a cursor of another list. Send the same filter and order as for the first page."
        raise Refused(ErrorCode.INVALID_INPUT, message, (argument,))
    return place


def _pack(value: Any) -> Any:
    # JSON has no type for times.
    if isinstance(value, datetime):
        return {"ms": (value - EPOCH) // timedelta(milliseconds=1)}
    return value


def _unpack(value: Any) -> Any:
    if isinstance(value, Mapping):
        return EPOCH + timedelta(milliseconds=int(value["ms"]))
    # A cursor comes from the client. With a value that the database cannot store, the query would fail.
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
    """Makes a page of rows in list order. One row more than the page size means that the list continues."""
    more = len(rows) > request.size
    if more:
        rows = rows[1:] if request.backward else rows[:-1]
    edges = [Edge(encode_cursor(name, row.record.get(order.field), row.record["_id"]), row) for row in rows]
    # A cursor in the request shows that there are objects on its other side. Relay does not require more, and an exact
    # answer would cost another query.
    info = PageInfo(
        has_next_page=bool(request.before) if request.backward else more,
        has_previous_page=more if request.backward else bool(request.after),
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Page(edges, info, total_count)
