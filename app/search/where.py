"""The typed filter `where` of users, as the same filters that the query language gives."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, TypeVar

from app.domain.filters import Eq, Filter, Range
from app.domain.metadata import is_well_formed
from app.domain.rows import to_camel
from app.domain.search_fields import SearchField
from app.domain.search_terms import ROLE, TERMS, to_term
from app.search.clauses import (
    SearchTarget,
    UnsearchableError,
    all_of,
    any_of,
    between_json,
    check_conditions,
    contains,
    equals,
    equals_json,
    exists,
    has_role,
    negate,
    starts_with,
)
from app.search.errors import SearchRefused
from app.search.language import MAX_CLAUSES, MAX_DEPTH, Search

# The fields of the filter by the names of the search language, where those differ.
_NAMES = {"connection": "identities.connection"}
# Characters of a path or a text.
_MAX_TEXT = 4_000
_BOUNDS = frozenset({"gte", "gt", "lte", "lt"})
_Path = tuple[str, ...]
_Text = TypeVar("_Text")


def read_where(
    where: Mapping[str, Any], fields: Mapping[str, SearchField], roles: Mapping[str, str] | None = None
) -> Search:
    """Reads a filter. Names are in snake_case, and what the caller left out is absent or None. `fields` and `roles` are
    those of `parse_query`. Raises SearchRefused with the path of the mistake in the input.
    """
    reader = _Reader(fields, roles or {})
    found = reader.read(where, ("where",), 0)
    check_conditions(found, ("where",))
    return Search(found, frozenset(reader.used), frozenset(reader.roles))


class _Reader:
    """Reads one filter, and counts its clauses."""

    def __init__(self, fields: Mapping[str, SearchField], roles: Mapping[str, str]) -> None:
        self._fields = fields
        self._known_roles = roles
        self._clauses = 0
        self.used: set[str] = set()
        self.roles: set[str] = set()

    def read(self, where: Mapping[str, Any], path: _Path, depth: int) -> Filter:
        """Fields of one filter are joined by AND."""
        if depth > MAX_DEPTH:
            raise SearchRefused(f"Filters are nested at most {MAX_DEPTH} deep.", path)
        parts: list[Filter] = []
        for name, value in where.items():
            here = (*path, to_camel(name.rstrip("_")))
            if value is None:
                raise SearchRefused("null is not a condition. Leave the field out, or use exists: false.", here)
            match name:
                case "and_":
                    parts += [self.read(each, (*here, str(index)), depth + 1) for index, each in enumerate(value)]
                case "or_":
                    parts.append(self._any(value, here, depth))
                case "not_":
                    parts.append(negate(self.read(value, here, depth + 1)))
                case "user_metadata" | "app_metadata":
                    parts += [self._metadata(name, each, (*here, str(i))) for i, each in enumerate(value)]
                case _:
                    parts.append(self._field(name, value, here))
        return all_of(parts)

    def _any(self, alternatives: Sequence[Mapping[str, Any]], path: _Path, depth: int) -> Filter:
        found = [self.read(each, (*path, str(index)), depth + 1) for index, each in enumerate(alternatives)]
        return self._build(path, lambda: any_of(found))

    def _field(self, name: str, value: Any, path: _Path) -> Filter:
        field = self._fields[_NAMES.get(name, name)]
        self.used.add(field.name)
        target = SearchTarget(field, field.name)
        if isinstance(value, bool):
            return self._clause(path, lambda: Eq(TERMS, to_term(target.path, value)))
        if name == ROLE:
            return self._clause(path, lambda: self._role(_checked(value)))
        if isinstance(value, str):
            return self._clause(path, lambda: equals(target, _checked(value)))
        build = _typed_clause if target.field.column else _text_clause
        return self._operators(target, value, path, build)

    def _metadata(self, root: str, value: Mapping[str, Any], path: _Path) -> Filter:
        field = self._fields[f"{root}.*"]
        self.used.add(field.name)
        target = SearchTarget(field, f"{root}.{self._build(path, lambda: _checked(value['path']))}")
        operators = {name: each for name, each in value.items() if name != "path"}
        return self._operators(target, operators, path, _metadata_clause)

    def _operators(
        self,
        target: SearchTarget,
        operators: Mapping[str, Any],
        path: _Path,
        build: Callable[[SearchTarget, Mapping[str, Any]], list[Filter]],
    ) -> Filter:
        if not operators:
            raise SearchRefused("This filter has no operator, such as eq or exists.", path)
        for name, value in operators.items():
            if value is None and not (name == "eq" and target.field.root):
                raise SearchRefused("null is not a condition. Use exists: false.", (*path, to_camel(name.rstrip("_"))))
        self._clauses += sum(len(each) if isinstance(each, list) else 1 for each in operators.values())
        return self._clause(path, lambda: all_of(build(target, operators)))

    def _role(self, text: str) -> Filter:
        self.roles.add(text)
        return has_role(text, self._known_roles)

    def _clause(self, path: _Path, build: Callable[[], Filter]) -> Filter:
        self._clauses += 1
        if self._clauses > MAX_CLAUSES:
            raise SearchRefused(f"A filter has at most {MAX_CLAUSES} values.", path)
        return self._build(path, build)

    def _build(self, path: _Path, build: Callable[[], Filter]) -> Filter:
        try:
            return build()
        except UnsearchableError as error:
            raise SearchRefused(str(error), path) from None


def _text_clause(target: SearchTarget, operators: Mapping[str, Any]) -> list[Filter]:
    return _text_operators(target, operators, equals)


def _metadata_clause(target: SearchTarget, operators: Mapping[str, Any]) -> list[Filter]:
    found = _text_operators(target, operators, equals_json)
    if not _BOUNDS.isdisjoint(operators):
        found.append(between_json(target, *_bounds(operators)))
    return found


def _text_operators(
    target: SearchTarget, operators: Mapping[str, Any], equal: Callable[[SearchTarget, Any], Filter]
) -> list[Filter]:
    """The operators of texts. `equal` compares a value as the field does."""
    found: list[Filter] = []
    for name, value in operators.items():
        match name:
            case "eq":
                found.append(equal(target, _checked(value)))
            case "in_":
                found.append(any_of([equal(target, _checked(each)) for each in value]))
            case "starts_with":
                found.append(starts_with(target, _checked(value)))
            case "contains":
                found.append(contains(target, _checked(value)))
            case "exists":
                found.append(_existence(target, value))
    return found


def _typed_clause(target: SearchTarget, operators: Mapping[str, Any]) -> list[Filter]:
    """Numbers and times, which the stored value decides."""
    found: list[Filter] = []
    if "eq" in operators:
        found.append(Eq(target.column, operators["eq"]))
    if "exists" in operators:
        found.append(_existence(target, operators["exists"]))
    if not _BOUNDS.isdisjoint(operators):
        found.append(Range(target.column, *_bounds(operators)))
    return found


def _bounds(operators: Mapping[str, Any]) -> tuple[Any, Any, bool, bool]:
    """The minimum, the maximum, and whether each is included. Raises UnsearchableError for two bounds of one side."""
    for one, other in (("gte", "gt"), ("lte", "lt")):
        if one in operators and other in operators:
            raise UnsearchableError(f"Write {one} or {other}, not both.")
    minimum, maximum = (operators.get(a, operators.get(b)) for a, b in (("gte", "gt"), ("lte", "lt")))
    _checked(minimum), _checked(maximum)
    return minimum, maximum, "gt" not in operators, "lt" not in operators


def _existence(target: SearchTarget, value: bool) -> Filter:
    return exists(target) if value else negate(exists(target))


def _checked(text: _Text) -> _Text:
    """The value, which is checked if it is a text. A JSON value can contain text that the database cannot store."""
    if isinstance(text, str) and not (len(text) <= _MAX_TEXT and is_well_formed(text)):
        raise UnsearchableError(f"A text of a filter has at most {_MAX_TEXT} characters of well-formed Unicode.")
    if isinstance(text, float) and not isfinite(text):
        raise UnsearchableError("JSON does not allow NaN and infinity.")
    return text
