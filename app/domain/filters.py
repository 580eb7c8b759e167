"""Filters: conditions for records, which can be evaluated, compared, and translated to MongoDB.

An attribute is the stored path of a value, with dots below objects: `user_id`, `identities.connection`. A kind declares
its paths. The semantics are those of MongoDB:
- An array matches when one of its values matches. Below an array, the path continues in each of its objects.
- An absent value is null. A path that continues below a value without fields is null too, except inside an array.
- Values of different types are neither equal nor ordered. Integers and floats are one type. Texts are ordered by code
  point. Times are compared in milliseconds.

Values are the values of a record: null, booleans, integers of 64 bits, floats, well-formed text, times and keys. The
code that builds a filter must limit the length of texts, the number of values of `In`, and the depth.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from app.domain.search_terms import TERMS, text_head
from app.domain.times import RelativeTime, to_milliseconds

# A stored object as it was read. It must not be changed, because several requests may share it.
Record: TypeAlias = Mapping[str, Any]


class Filter:
    """Base class. Filters are equal when they have the same key. The order of parts and of values does not matter."""

    __slots__ = ()

    def matches(self, record: Record) -> bool:
        """Whether the filter finds this record. MongoDB must give the same answer for the translated filter."""
        raise NotImplementedError

    def terms(self) -> list[Any]:
        """Returns the filter as a JSON array. Different filters have different arrays."""
        raise NotImplementedError

    def key(self) -> str:
        """Returns a text that identifies the filter in cursors."""
        # JSON quotes all texts, so a caller's text cannot imitate the structure of another filter.
        return json.dumps(self.terms(), separators=(",", ":"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filter) and self.key() == other.key()

    def __hash__(self) -> int:
        return hash(self.key())


@dataclass(frozen=True, slots=True, eq=False)
class Eq(Filter):
    """The attribute has this value. If `value` is None, the attribute is null or absent."""

    attribute: str
    value: object

    def matches(self, record: Record) -> bool:
        return any(is_equal(each, self.value) for each in values_of(record, self.attribute))

    def terms(self) -> list[Any]:
        return ["eq", self.attribute, _term(self.value)]


@dataclass(frozen=True, slots=True, eq=False)
class In(Filter):
    """The attribute has one of these values. Without values, no record matches."""

    attribute: str
    values: Sequence[object]

    def matches(self, record: Record) -> bool:
        found = list(values_of(record, self.attribute))
        return any(is_equal(each, value) for value in self.values for each in found)

    def terms(self) -> list[Any]:
        return ["in", self.attribute, _sorted([_term(each) for each in self.values])]


@dataclass(frozen=True, slots=True, eq=False)
class Range(Filter):
    """The attribute is not below `minimum` and not above `maximum`. A bound of None is no limit.

    As in MongoDB, an array matches when one value is above the minimum and another value is below the maximum.
    With `by_element`, one value of the array must meet both bounds.
    """

    attribute: str
    minimum: object = None
    maximum: object = None
    includes_minimum: bool = True
    includes_maximum: bool = True
    by_element: bool = False

    def matches(self, record: Record) -> bool:
        found = list(values_of(record, self.attribute))
        if self.by_element:
            return any(self._contains([each]) for each in found)
        return self._contains(found)

    def _contains(self, found: list[Any]) -> bool:
        return self._meets(found, self.minimum, self._is_above) and self._meets(found, self.maximum, self._is_below)

    def _meets(self, found: list[Any], bound: object, is_inside: Callable[[Any, Any], bool]) -> bool:
        if bound is None:
            return True
        # Python cannot order values of different types, and MongoDB compares only values of the type of the bound.
        return any(type_of(each) == type_of(bound) and is_inside(_exact(each), _exact(bound)) for each in found)

    def _is_above(self, value: Any, bound: Any) -> bool:
        return bool(value > bound or (self.includes_minimum and value == bound))

    def _is_below(self, value: Any, bound: Any) -> bool:
        return bool(value < bound or (self.includes_maximum and value == bound))

    def terms(self) -> list[Any]:
        bounds = [_term(self.minimum), self.includes_minimum, _term(self.maximum), self.includes_maximum]
        return ["range", self.attribute, *bounds, self.by_element]


@dataclass(frozen=True, slots=True, eq=False)
class Prefix(Filter):
    """The attribute is a text that begins with `text`. Upper and lower case differ."""

    attribute: str
    text: str

    def matches(self, record: Record) -> bool:
        return any(isinstance(each, str) and each.startswith(self.text) for each in values_of(record, self.attribute))

    def terms(self) -> list[Any]:
        return ["prefix", self.attribute, self.text]


@dataclass(frozen=True, slots=True, eq=False)
class Contains(Filter):
    """The attribute is a text that contains `text`. Upper and lower case differ."""

    attribute: str
    text: str

    def matches(self, record: Record) -> bool:
        return any(isinstance(each, str) and self.text in each for each in values_of(record, self.attribute))

    def terms(self) -> list[Any]:
        return ["contains", self.attribute, self.text]


@dataclass(frozen=True, slots=True, eq=False)
class Wildcard(Filter):
    """A text at one of the search paths begins with the first part, ends with the last part, and has the other parts
    in this order between them. The parts are folded as `search_terms` does it.
    """

    paths: Sequence[str]
    parts: Sequence[str]

    def matches(self, record: Record) -> bool:
        heads = [text_head(path) for path in self.paths]
        return any(
            term.startswith(head) and self._fits(term[len(head) :])
            for term in values_of(record, TERMS)
            if isinstance(term, str)
            for head in heads
        )

    def _fits(self, text: str) -> bool:
        first, *middle, last = self.parts
        if not (text.startswith(first) and text.endswith(last)):
            return False
        position, end = len(first), len(text) - len(last)
        for part in middle:
            found = text.find(part, position, max(end, position))
            if found < 0:
                return False
            position = found + len(part)
        return position <= end

    def terms(self) -> list[Any]:
        return ["wildcard", sorted(self.paths), list(self.parts)]


@dataclass(frozen=True, slots=True, eq=False)
class Exists(Filter):
    """The attribute exists and is not null. It is the exact opposite of `Eq` with None."""

    attribute: str

    def matches(self, record: Record) -> bool:
        return not any(each is None for each in values_of(record, self.attribute))

    def terms(self) -> list[Any]:
        return ["exists", self.attribute]


@dataclass(frozen=True, slots=True, eq=False)
class And(Filter):
    """Every part matches. Without parts, every record matches."""

    parts: Sequence[Filter]

    def matches(self, record: Record) -> bool:
        return all(part.matches(record) for part in self.parts)

    def terms(self) -> list[Any]:
        return ["and", *_sorted([part.terms() for part in self.parts])]


@dataclass(frozen=True, slots=True, eq=False)
class Or(Filter):
    """At least one part matches. Without parts, no record matches."""

    parts: Sequence[Filter]

    def matches(self, record: Record) -> bool:
        return any(part.matches(record) for part in self.parts)

    def terms(self) -> list[Any]:
        return ["or", *_sorted([part.terms() for part in self.parts])]


@dataclass(frozen=True, slots=True, eq=False)
class Not(Filter):
    """The part does not match. A record without the attribute matches too."""

    part: Filter

    def matches(self, record: Record) -> bool:
        return not self.part.matches(record)

    def terms(self) -> list[Any]:
        return ["not", self.part.terms()]


ALL = And(())


def conditions_of(where: Filter) -> list[Filter]:
    """Returns the conditions that must all be met, without nested And filters."""
    return [inner for each in where.parts for inner in conditions_of(each)] if isinstance(where, And) else [where]


def is_everything(where: Filter) -> bool:
    """Whether the filter has no condition, so that every record matches."""
    return not conditions_of(where)


def values_of(record: Record, path: str) -> Iterator[Any]:
    """Yields the values at a path: each value of an array, or None for an absent value."""
    if "." in path:
        yield from _below(record, path.split("."))
    else:
        yield from _leaves(record.get(path))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        yield from value
    else:
        yield value


def _below(value: Any, path: Sequence[str]) -> Iterator[Any]:
    if not path:
        yield from _leaves(value)
    elif isinstance(value, Mapping):
        yield from _below(value.get(path[0]), path[1:])
    elif isinstance(value, list | tuple):
        yield from _at_index(value, path)
        for each in value:
            if isinstance(each, Mapping):
                yield from _below(each, path)
    else:
        yield None


def _at_index(values: Sequence[Any], path: Sequence[str]) -> Iterator[Any]:
    # As in MongoDB, a number in a path is an index of an array, besides the name of a field.
    if path[0].isdecimal() and int(path[0]) < len(values):
        found = values[int(path[0])]
        if len(path) == 1 or isinstance(found, Mapping | list | tuple):
            yield from _below(found, path[1:])


def type_of(value: object) -> str:
    """Returns the name of the type. Only values of the same type are compared."""
    # bool comes first, because a bool is an int in Python.
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return "time" if isinstance(value, datetime) else type(value).__name__


def is_equal(one: object, other: object) -> bool:
    return type_of(one) == type_of(other) and _exact(one) == _exact(other)


def _exact(value: Any) -> Any:
    # A record stores times in milliseconds, so a finer time must not differ from the stored one.
    return to_milliseconds(value) if isinstance(value, datetime) else value


def _term(value: object) -> Any:
    """Returns the value as JSON. Texts, integers, booleans and null stay as they are; other types become objects."""
    if isinstance(value, RelativeTime):
        return {"relative": value.text}
    if isinstance(value, datetime):
        return {"time": to_milliseconds(value).isoformat()}
    if isinstance(value, float):
        # 1 and 1.0 are the same value. The hexadecimal form of a float is exact.
        return int(value) if value.is_integer() else {"float": value.hex()}
    return value if value is None or isinstance(value, bool | int | str) else {"key": str(value)}


def _sorted(terms: list[Any]) -> list[Any]:
    """Returns the terms sorted and without duplicates."""
    # The order of parts does not change what a filter finds, so it must not change the key in a cursor either.
    unique = {json.dumps(term): term for term in terms}
    return [unique[text] for text in sorted(unique)]
