"""Translates filters to MongoDB queries.

No public function returns a query without a tenant. A query for users excludes profiles that are linked to another one,
except from `to_query_with_hidden`. Only this module writes query operators for the lists and searches of callers.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias

from bson import ObjectId

from app.domain.filters import And, Contains, Eq, Exists, Filter, In, Not, Or, Prefix, Range
from app.domain.kinds import Kind, Order
from app.domain.paging import Bounds, Position

Query: TypeAlias = Mapping[str, Any]
# The types of values that a filter may compare with. MongoDB would read a dict or a pattern as an expression, so a
# caller could inject operators with it.
_LITERALS = (str, ObjectId, bool, int, float, datetime, type(None))


def to_query(kind: Kind, tenant: str, where: Filter) -> Query:
    """Returns the query for the records of this tenant, without hidden ones such as linked profiles."""
    if kind.hidden_by is None:
        return to_query_with_hidden(kind, tenant, where)
    return {"tenant": tenant, **_translate(kind, where), kind.hidden_by: None}


def to_query_with_hidden(kind: Kind, tenant: str, where: Filter) -> Query:
    """Returns the query for the records of this tenant, hidden ones included. Most reads must not use it."""
    return {"tenant": tenant, **_translate(kind, where)}


def between(query: Query, order: Order, bounds: Bounds) -> Query:
    """Narrows a query to the part of the list after one position and before another."""
    parts = [
        _beyond(position, order.field, "$gt" if (order.direction == 1) == is_after else "$lt")
        for position, is_after in ((bounds.after, True), (bounds.before, False))
        if position is not None
    ]
    return {"$and": [query, *parts]} if parts else query


def _beyond(position: Position, field: str, operator: str) -> Query:
    value = _literal(position.value)
    # Several records may have the same value, so `_id` decides their order. Without it, a page could skip records.
    return {"$or": [{field: {operator: value}}, {field: value, "_id": {operator: position.key}}]}


def _translate(kind: Kind, where: Filter) -> Query:
    match where:
        case Eq():
            return {_path(kind, where.attribute): _literal(where.value)}
        case In():
            return {_path(kind, where.attribute): {"$in": [_literal(each) for each in where.values]}}
        case Range():
            bounds = _bounds(where)
            return {_path(kind, where.attribute): bounds} if bounds else {}
        case Prefix():
            return {_path(kind, where.attribute): {"$regex": "^" + _pattern(where.text)}}
        case Contains():
            return {_path(kind, where.attribute): {"$regex": _pattern(where.text)}}
        case Exists():
            return {_path(kind, where.attribute): {"$ne": None}}
        case And():
            return _all([_translate(kind, part) for part in where.parts])
        case Or():
            # MongoDB refuses an empty $or. An Or without parts matches nothing, and so does this query.
            return {"$or": [_translate(kind, part) for part in where.parts]} if where.parts else {"_id": {"$in": []}}
        case Not():
            return {"$nor": [_translate(kind, where.part)]}
        case _:
            raise TypeError(type(where).__name__)


def _bounds(where: Range) -> Query:
    minimum = "$gte" if where.includes_minimum else "$gt"
    maximum = "$lte" if where.includes_maximum else "$lt"
    bounds = {minimum: where.minimum, maximum: where.maximum}
    return {operator: _literal(bound) for operator, bound in bounds.items() if bound is not None}


def _all(parts: Sequence[Query]) -> Query:
    """Combines conditions with "and"."""
    # Usually no two conditions have the same field: then one flat query is shorter. Otherwise the last would win.
    flat = {name: condition for part in parts for name, condition in part.items()}
    return flat if len(flat) == sum(map(len, parts)) else {"$and": [part for part in parts if part]}


def _literal(value: object) -> Any:
    if not isinstance(value, _LITERALS):
        raise TypeError(f"A filter cannot compare with a {type(value).__name__}.")
    return value


def _pattern(text: str) -> str:
    # A pattern in BSON ends at the first NUL character, so it must be escaped.
    return re.escape(text).replace("\0", r"\x00")


@lru_cache(maxsize=1024)
def _path(kind: Kind, path: str) -> str:
    """Returns the path.

    Raises ValueError when the kind does not declare the path, or when a part of it is empty or begins with $.
    """
    first, *rest = path.split(".")
    if first not in _declared(kind) or any(not each or each.startswith("$") for each in rest):
        raise ValueError(f"A filter of {kind.name} cannot use the path {path!r}.")
    return path


@lru_cache(maxsize=64)
def _declared(kind: Kind) -> frozenset[str]:
    paths = (path for attribute in kind.attributes.values() for path in attribute.paths)
    return frozenset(path.partition(".")[0] for path in (*paths, *kind.needs, *kind.lookups, kind.owner or "_id"))
