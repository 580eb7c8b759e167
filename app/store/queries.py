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

from app.domain.filters import And, Contains, Eq, Exists, Filter, In, Not, Or, Prefix, Range, Wildcard
from app.domain.kinds import Kind, Order
from app.domain.paging import Bounds, PageRequest, Position
from app.domain.search_terms import SEPARATOR, TERMS, text_head
from app.domain.times import RelativeTime

Query: TypeAlias = Mapping[str, Any]
# An aggregation expression.
Expression: TypeAlias = Any
_TERMS = {"$ifNull": [f"${TERMS}", []]}
# The types of values that a filter may compare with. MongoDB would read a dict or a pattern as an expression, so a
# caller could inject operators with it.
_LITERALS = (str, ObjectId, bool, int, float, datetime, type(None))


def to_query(kind: Kind, tenant: str, where: Filter) -> Query:
    """Returns the query for the records of this tenant, without hidden ones such as linked profiles."""
    if kind.hidden_by is None:
        return to_query_with_hidden(kind, tenant, where)
    return {"tenant": tenant, **_translate(kind, where), kind.hidden_by: None}


def to_search_query(kind: Kind, tenant: str, lead: Filter, rest: Sequence[Filter]) -> Query:
    """Returns the query for `lead`, whose index is used, and for the other conditions.

    The other conditions have a form that chooses no index of terms. Two conditions on an array could make MongoDB scan
    the larger part of the index.
    """
    conditions = (_translate(kind, each, residual=True) for each in rest)
    parts = [to_query(kind, tenant, lead), *(each for each in conditions if each)]
    return parts[0] if len(parts) == 1 else {"$and": parts}


def to_query_with_hidden(kind: Kind, tenant: str, where: Filter) -> Query:
    """Returns the query for the records of this tenant, hidden ones included. Most reads must not use it."""
    return {"tenant": tenant, **_translate(kind, where)}


def between(query: Query, order: Order, bounds: Bounds, limits_scan: bool = False) -> Query:
    """Narrows a query to the part of the list after one position and before another.

    `limits_scan` adds a simpler condition, which MongoDB can use for the bounds of an index beside another $or.
    """
    parts = [
        _beyond(position, order, limits_scan, "$gt" if (order.direction == 1) == is_after else "$lt")
        for position, is_after in ((bounds.after, True), (bounds.before, False))
        if position is not None
    ]
    return {"$and": [query, *parts]} if parts else query


def sort_of(order: Order, request: PageRequest) -> list[tuple[str, int]]:
    """The sort of a page: a page from the back is read in the opposite direction."""
    direction = -order.direction if request.backward else order.direction
    return [(order.field, direction), ("_id", direction)]


def _beyond(position: Position, order: Order, limits_scan: bool, operator: str) -> Query:
    """The records behind a position. A missing value is smaller than every other value."""
    field, value = order.field, _literal(position.value)
    same: Query = {field: value, "_id": {operator: position.key}}
    if value is None:
        return {"$or": [{field: {"$ne": None}}, same]} if operator == "$gt" else same
    parts: list[Query] = [{field: {operator: value}}, same]
    if operator == "$lt" and order.may_be_missing:
        return {"$or": [*parts, {field: None}]}
    return {"$or": parts, field: {f"{operator}e": value}} if limits_scan else {"$or": parts}


def _translate(kind: Kind, where: Filter, residual: bool = False) -> Query:
    match where:
        case And():
            return _all([_translate(kind, part, residual) for part in where.parts])
        case Or():
            # MongoDB refuses an $or without alternatives.
            parts = [_translate(kind, part, residual) for part in where.parts]
            return {"$or": parts} if parts else {"_id": {"$in": []}}
        case Not():
            return {"$nor": [_translate(kind, where.part, residual)]}
        case Wildcard():
            return {"$expr": _some_term(_fits(where))}
        case Eq() | Range() if residual and where.attribute == TERMS:
            return {"$expr": _term_expression(where)}
        case _:
            return _translate_attribute(kind, where)


def _translate_attribute(kind: Kind, where: Filter) -> Query:
    match where:
        case Eq():
            return {_path(kind, where.attribute): _literal(where.value)}
        case In():
            return {_path(kind, where.attribute): {"$in": [_literal(each) for each in where.values]}}
        case Range():
            bounds = _bounds(where)
            if not bounds:
                return {}
            return {_path(kind, where.attribute): {"$elemMatch": bounds} if where.by_element else bounds}
        case Prefix():
            return {_path(kind, where.attribute): {"$regex": "^" + _pattern(where.text)}}
        case Contains():
            return {_path(kind, where.attribute): {"$regex": _pattern(where.text)}}
        case Exists():
            return {_path(kind, where.attribute): {"$ne": None}}
        case _:
            raise TypeError(type(where).__name__)


def _term_expression(where: Eq | Range) -> Expression:
    if isinstance(where, Eq):
        return {"$in": [_constant(where.value), _TERMS]}
    compared = {"$gte": "$gt", "$lte": "$lt"}
    bounds = [
        {operator if includes else compared[operator]: ["$$term", _constant(bound)]}
        for operator, bound, includes in (
            ("$gte", where.minimum, where.includes_minimum),
            ("$lte", where.maximum, where.includes_maximum),
        )
        if bound is not None
    ]
    return _some_term({"$and": bounds})


def _some_term(condition: Expression) -> Expression:
    """Whether one of the terms, as `$$term`, meets the condition."""
    return {"$anyElementTrue": [{"$map": {"input": _TERMS, "as": "term", "in": condition}}]}


def _fits(where: Wildcard) -> Expression:
    """Whether `$$term` is a text of one of the paths, and has the parts in their order.

    `$$end` is the position behind the part that was found last, and -1 when a part is missing.
    """
    first, *middle, last = where.parts
    heads = [text_head(path).partition(SEPARATOR) for path in where.paths]
    tag = heads[0][2]
    found: Expression = {"$cond": [_begins_with("$$text", tag + first), len(tag + first), -1]}
    for part in middle:
        found = _find_behind(found, part)
    fits: Expression = {
        "$let": {
            "vars": {"end": found, "length": {"$strLenCP": "$$text"}},
            "in": {
                "$and": [
                    {"$gte": ["$$end", 0]},
                    {"$gte": [{"$subtract": ["$$length", len(last)]}, "$$end"]},
                    {"$eq": [{"$substrCP": ["$$text", _last(len(last)), len(last)]}, _constant(last)]},
                ]
            },
        }
    }
    pieces = {"$split": ["$$term", SEPARATOR]}
    return {
        "$let": {
            "vars": {"path": {"$arrayElemAt": [pieces, 0]}, "text": {"$arrayElemAt": [pieces, 1]}},
            "in": {"$and": [{"$in": ["$$path", [_constant(path) for path, _, _ in heads]]}, fits]},
        }
    }


def _begins_with(text: str, part: str) -> Expression:
    return {"$eq": [{"$indexOfCP": [text, _constant(part), 0, len(part)]}, 0]}


def _find_behind(position: Expression, part: str) -> Expression:
    """The position behind the next occurrence of the part, or -1."""
    index = {"$indexOfCP": ["$$text", _constant(part), "$$from"]}
    behind = {
        "$let": {
            "vars": {"index": index},
            "in": {"$cond": [{"$lt": ["$$index", 0]}, -1, {"$add": ["$$index", len(part)]}]},
        }
    }
    return {"$let": {"vars": {"from": position}, "in": {"$cond": [{"$lt": ["$$from", 0]}, -1, behind]}}}


def _last(length: int) -> Expression:
    return {"$max": [0, {"$subtract": ["$$length", length]}]}


def _constant(value: object) -> Expression:
    """A value of a caller in an expression. Without $literal, a text that begins with $ would be a path."""
    return {"$literal": _literal(value)}


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
    if isinstance(value, RelativeTime):
        # The driver encodes datetime, and not its subclasses.
        return datetime(*value.timetuple()[:6], value.microsecond)  # noqa: DTZ001 - times are stored without tzinfo
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
