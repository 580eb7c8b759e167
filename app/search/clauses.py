"""Filters of one field: equality, wildcards, ranges and existence. The query language and `where` both use them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.filters import ALL, And, Eq, Exists, Filter, Not, Or, Range, Wildcard, is_everything
from app.domain.metadata import INT64
from app.domain.search_fields import SearchField, SearchFieldType
from app.domain.search_terms import (
    GRAM,
    MAX_TEXT,
    PERSON_PATHS,
    ROLE,
    TERMS,
    exists_term,
    fold_for_search,
    grams_of,
    number_head,
    path_head,
    successor,
    text_head,
    to_term,
)
from app.domain.times import RelativeTime
from app.search.errors import SearchRefused
from app.search.values import Pattern, Period, parse_number, parse_period

# MongoDB merges up to 200 equalities in list order. More of them would be sorted in memory.
MAX_BRANCHES = 200
# Conditions of a whole search. A word of one or two letters has one for each text that identifies a person.
MAX_CONDITIONS = 400
# Parts of a text with wildcards. Each part nests the expression of the database one level deeper.
MAX_PARTS = 10
_BOOLEANS = {"true": True, "false": False}
# What people write between the digits of a phone number.
_PHONE_PUNCTUATION = re.compile(r"[\s()./-]")


class UnsearchableError(ValueError):
    """A value does not fit its field, or a clause cannot be searched efficiently. The message says what to write."""


@dataclass(frozen=True, slots=True)
class SearchTarget:
    """A field of the query. `path` is its name, or the path below a metadata document."""

    field: SearchField
    path: str

    @property
    def column(self) -> str:
        return self.field.column or self.path


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a range."""

    value: str
    inclusive: bool


def equals(target: SearchTarget, text: str) -> Filter:
    """The field has the value that this text means. Below a metadata document it can be a text, number or boolean."""
    match target.field.type:
        case SearchFieldType.TEXT:
            return _equals_text(target, text)
        case SearchFieldType.BOOLEAN:
            if text.lower() not in _BOOLEANS:
                raise UnsearchableError(f"{target.path} is true or false.")
            return Eq(TERMS, to_term(target.path, _BOOLEANS[text.lower()]))
        case SearchFieldType.NUMBER:
            return Eq(target.column, _number(target, text))
        case SearchFieldType.TIME:
            period = _period(target, text)
            if period.start == period.end:
                raise UnsearchableError(f"A time relative to now needs < or >, such as {target.path}:<{text}.")
            return Range(target.column, period.start, period.end, includes_maximum=False)
        case SearchFieldType.ANY:
            # The language has no types: 30 can be the number or the text, and a caller does not know which is stored.
            values = [text, parse_number(text), _BOOLEANS.get(text)]
            return any_of([Eq(TERMS, to_term(target.path, value)) for value in values if value is not None])


def has_role(name: str, keys: Mapping[str, str]) -> Filter:
    """The user has the role with this role ID or name. `keys` has the keys of the roles that exist."""
    key = keys.get(name)
    return Or(()) if key is None else Eq(TERMS, to_term(ROLE, key))


def equals_json(target: SearchTarget, value: object) -> Filter:
    """The metadata path has this JSON value. `null` means that it has no value."""
    if value is None:
        return negate(exists(target))
    if not isinstance(value, str | bool | int | float):
        raise UnsearchableError(
            "Only texts, numbers, booleans and null can be compared. Name a path inside the object."
        )
    return Eq(TERMS, to_term(target.path, value))


def _equals_text(target: SearchTarget, text: str) -> Filter:
    if target.path == "phone_number":
        text = _PHONE_PUNCTUATION.sub("", text)
    found = Eq(TERMS, to_term(target.path, text))
    # The term selects without regard to case, through the index. The stored value decides.
    return And((found, Eq(target.field.exact, text))) if target.field.exact else found


def matches_pattern(target: SearchTarget, pattern: Pattern) -> Filter:
    """The text of the field has the parts of the pattern in this order, with any text between them."""
    if pattern.is_literal:
        return equals(target, pattern.text)
    if pattern.is_any:
        return exists(target)
    if target.field.type not in (SearchFieldType.TEXT, SearchFieldType.ANY):
        raise UnsearchableError(f"{target.path} is not a text: use a range such as [1 TO 10] instead of a wildcard.")
    parts = _fold_parts(pattern)
    prefix = _starts_with(target.path, parts[0])
    if parts == (parts[0], ""):
        return prefix
    if parts[0]:
        return And((prefix, Wildcard((target.path,), parts)))
    check_length(parts)
    return Wildcard((target.path,), parts)


def contains(target: SearchTarget, text: str) -> Filter:
    """The text of the field contains this text."""
    return matches_pattern(target, Pattern(("", text, "")))


def starts_with(target: SearchTarget, text: str) -> Filter:
    """The text of the field begins with this text."""
    return matches_pattern(target, Pattern((text, "")))


def in_person(pattern: Pattern) -> Filter:
    """A term without a field: a text that identifies the person contains it. A term of one or two letters must be at
    the beginning of such a text.
    """
    if pattern.is_any:
        return ALL
    if pattern.is_literal:
        parts: tuple[str, ...] = ("", *_fold_parts(pattern), "")
        if not _is_selective(parts):
            return any_of([_starts_with(path, parts[1]) for path in PERSON_PATHS])
        return Wildcard(PERSON_PATHS, parts)
    parts = _fold_parts(pattern)
    found = Wildcard(PERSON_PATHS, parts)
    if _is_selective(parts):
        return found
    if not parts[0]:
        check_length(parts)
    return And((any_of([_starts_with(path, parts[0]) for path in PERSON_PATHS]), found))


def check_length(parts: Sequence[str]) -> None:
    """Raises UnsearchableError when no part of the wildcard pattern is long enough for the index."""
    if not _is_selective(parts):
        raise UnsearchableError(
            f"A wildcard at the beginning needs a part of at least {GRAM} letters, such as *ane*. Write more letters,"
            " or only the beginning followed by *."
        )


def _is_selective(parts: Sequence[str]) -> bool:
    return any(grams_of(each) for each in parts)


def _fold_parts(pattern: Pattern) -> tuple[str, ...]:
    parts = tuple(fold_for_search(each) for each in pattern.parts)
    if not any(parts):
        raise UnsearchableError("The text has no letters or digits.")
    if len(parts) > MAX_PARTS:
        raise UnsearchableError(f"A text with wildcards has at most {MAX_PARTS} parts.")
    if sum(map(len, parts)) > MAX_TEXT:
        raise UnsearchableError(f"A text with a wildcard has at most {MAX_TEXT} characters.")
    return parts


def _starts_with(path: str, folded: str) -> Filter:
    return _between_terms(text_head(path) + folded)


def _between_terms(head: str) -> Filter:
    """Every term that begins with `head`."""
    return Range(TERMS, head, successor(head), includes_maximum=False, by_element=True)


def exists(target: SearchTarget) -> Filter:
    """The field has a value. An empty array or object of metadata is a value too, and null is none."""
    match target.field.type:
        case SearchFieldType.ANY:
            return Eq(TERMS, exists_term(target.path))
        case SearchFieldType.NUMBER | SearchFieldType.TIME:
            return Exists(target.column)
        case _:
            return _between_terms(path_head(target.path))


def between(target: SearchTarget, minimum: Bound | None, maximum: Bound | None) -> Filter:
    """The value lies in the range. A bound that is None does not limit it."""
    if minimum is None and maximum is None:
        return exists(target)
    match target.field.type:
        case SearchFieldType.TIME:
            return _between_times(target, minimum, maximum)
        case SearchFieldType.NUMBER:
            low, high = (None if each is None else _number(target, each.value) for each in (minimum, maximum))
            return Range(target.column, low, high, _inclusive(minimum), _inclusive(maximum))
        case SearchFieldType.BOOLEAN:
            raise UnsearchableError(f"{target.path} is true or false, and has no range.")
        case _:
            numbers = [parse_number(each.value) for each in (minimum, maximum) if each is not None]
            if target.field.type is SearchFieldType.ANY and all(each is not None for each in numbers):
                low, high = (None if each is None else parse_number(each.value) for each in (minimum, maximum))
                return between_json(target, low, high, _inclusive(minimum), _inclusive(maximum))
            if any(each is not None and _is_relative(each.value) for each in (minimum, maximum)):
                raise UnsearchableError("Times relative to now are for time fields. Write a date for a metadata path.")
            first, last = (None if each is None else each.value for each in (minimum, maximum))
            return between_json(target, first, last, _inclusive(minimum), _inclusive(maximum))


def between_json(
    target: SearchTarget, minimum: object, maximum: object, includes_minimum: bool = True, includes_maximum: bool = True
) -> Filter:
    """The value at the path lies between two numbers or two texts. A bound that is None does not limit it."""
    types = {type(each) for each in (minimum, maximum) if each is not None}
    if not types <= {str} and (bool in types or not types <= {int, float}):
        raise UnsearchableError("The bounds of a range are two numbers or two texts.")
    head = text_head(target.path) if types == {str} else number_head(target.path)
    # An open end stops where the terms of another type or path begin. Otherwise the range would contain these too.
    low = head if minimum is None else to_term(target.path, minimum)
    high = successor(head) if maximum is None else to_term(target.path, maximum)
    return Range(TERMS, low, high, includes_minimum, includes_maximum and maximum is not None, by_element=True)


def _between_times(target: SearchTarget, minimum: Bound | None, maximum: Bound | None) -> Filter:
    """A bound is a period: `[2026-01 TO 2026-02]` ends with the last millisecond of February, `{2026-01 TO *]` begins
    with February.
    """
    low = high = None
    includes_minimum, includes_maximum = True, False
    if minimum is not None:
        period = _period(target, minimum.value)
        low = period.start if minimum.inclusive else period.end
        includes_minimum = minimum.inclusive or period.start != period.end
    if maximum is not None:
        period = _period(target, maximum.value)
        high = period.end if maximum.inclusive else period.start
        includes_maximum = maximum.inclusive and period.start == period.end
    return Range(target.column, low, high, includes_minimum, includes_maximum)


def _period(target: SearchTarget, text: str) -> Period:
    found = parse_period(text)
    if found is None:
        raise UnsearchableError(f"{target.path} is a time: write 2026-01-31, 2026-01-31T12:00:00Z or now-90d.")
    return found


def _is_relative(text: str) -> bool:
    found = parse_period(text)
    return found is not None and isinstance(found.start, RelativeTime)


def _number(target: SearchTarget, text: str) -> int | float:
    found = parse_number(text)
    if found is None:
        raise UnsearchableError(f"{target.path} is a number.")
    if isinstance(found, int) and found not in INT64:
        raise UnsearchableError(f"{target.path} is an integer of at most 64 bits.")
    return found


def _inclusive(bound: Bound | None) -> bool:
    return bound is None or bound.inclusive


def any_of(parts: Sequence[Filter]) -> Filter:
    """One of the parts matches; without parts, no user does. Nested alternatives become one list.

    Raises UnsearchableError for more than 200 alternatives.
    """
    flat = [each for part in parts for each in (part.parts if isinstance(part, Or) else (part,))]
    if len(flat) > MAX_BRANCHES:
        raise UnsearchableError(f"A search has at most {MAX_BRANCHES} alternatives.")
    return flat[0] if len(flat) == 1 else Or(_unique(flat))


def all_of(parts: Sequence[Filter]) -> Filter:
    """Every part matches; without parts, every user does. Nested conditions become one list."""
    flat = [each for part in parts for each in (part.parts if isinstance(part, And) else (part,))]
    return flat[0] if len(flat) == 1 else And(_unique(flat))


def negate(part: Filter) -> Filter:
    """The part does not match. A part that matches every user becomes a filter that matches no user."""
    return Or(()) if is_everything(part) else Not(part)


def check_conditions(where: Filter, path: Sequence[str]) -> None:
    """Raises SearchRefused for a search with so many conditions that checking one user would take long. `path` is the
    argument of the search.
    """
    if _count(where) > MAX_CONDITIONS:
        raise SearchRefused(f"A search has at most {MAX_CONDITIONS} conditions. Use fewer or longer words.", path)


def _count(where: Filter) -> int:
    match where:
        case And() | Or():
            return sum(map(_count, where.parts))
        case Not():
            return _count(where.part)
        case _:
            return 1


def _unique(parts: Sequence[Filter]) -> tuple[Filter, ...]:
    # A caller can repeat a word a hundred times. Each repetition would cost the database as much as the first one.
    return tuple({each.key(): each for each in parts}.values())
