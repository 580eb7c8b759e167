"""The length of a list for the cost: a constant, or a value of the variables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from graphql import (
    ArgumentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
)

PAGE_ARGUMENTS = ("first", "last")
# Counts stop here: a document could double them a hundred times.
MANY = 1_000_000_000


class Size(Protocol):
    """A number that is known only with the variables."""

    def of(self, variables: Mapping[str, Any]) -> int: ...


@dataclass(frozen=True, slots=True)
class PageSize:
    """The largest of `first` and `last` as they are given, each a number or the name of a variable; else `default`.

    What is longer than a page may be is refused later by name: it costs as the longest page.
    """

    given: tuple[int | str, ...]
    default: int
    most: int

    def of(self, variables: Mapping[str, Any]) -> int:
        found = [_number(variables.get(each) if isinstance(each, str) else each) for each in self.given]
        return max(0, min(max((each for each in found if each is not None), default=self.default), self.most))


@dataclass(frozen=True, slots=True)
class Length:
    """How many items the list at a path into a variable has."""

    variable: str
    path: tuple[str, ...]

    def of(self, variables: Mapping[str, Any]) -> int:
        value = variables.get(self.variable)
        for name in self.path:
            value = value.get(name) if isinstance(value, dict) else None
        return len(value) if isinstance(value, list) else value is not None


def page_size(arguments: Mapping[str, ArgumentNode], default: int, most: int) -> int | Size:
    values = [arguments[each].value for each in PAGE_ARGUMENTS if each in arguments]
    given = [each.name.value if isinstance(each, VariableNode) else _literal_number(each) for each in values]
    size = PageSize(tuple(each for each in given if each is not None), default, most)
    return size if any(isinstance(each, str) for each in size.given) else size.of({})


def length_of(arguments: Mapping[str, ArgumentNode], path: Sequence[str]) -> int | Size:
    """Of the list at a path into the arguments."""
    value: ValueNode | None = arguments[path[0]].value if path[0] in arguments else None
    for index, name in enumerate(path[1:], 1):
        if isinstance(value, VariableNode):
            return Length(value.name.value, tuple(path[index:]))
        fields = value.fields if isinstance(value, ObjectValueNode) else ()
        value = next((each.value for each in fields if each.name.value == name), None)
    if isinstance(value, VariableNode):
        return Length(value.name.value, ())
    if isinstance(value, ListValueNode):
        return len(value.values)
    return 0 if value is None or isinstance(value, NullValueNode) else 1


def _literal_number(value: ValueNode) -> int | None:
    """None for null, and for what is no number and is refused by validation."""
    if isinstance(value, IntValueNode):
        return int(value.value) if len(value.value) < 10 else MANY
    return None


def _number(value: Any) -> int | None:
    """As GraphQL's Int takes a number: 25.0 is 25."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value
