"""The length of a list for the cost: a number, or a value that depends on the variables."""

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
# No count exceeds this number. A document of a few kilobytes can double a count a hundred times, with fragments that
# spread each other twice, and arithmetic with huge integers would take time.
MANY = 1_000_000_000


class Size(Protocol):
    """A length that depends on the variables of the request."""

    def of(self, variables: Mapping[str, Any]) -> int: ...


@dataclass(frozen=True, slots=True)
class PageSize:
    """The larger one of `first` and `last`, each of which is a number or the name of a variable; else `default`.

    A number above `most` counts as `most`: the resolver refuses it later, with an error that names the argument.
    """

    given: tuple[int | str, ...]
    default: int
    most: int

    def of(self, variables: Mapping[str, Any]) -> int:
        found = [_number(variables.get(each) if isinstance(each, str) else each) for each in self.given]
        return max(0, min(max((each for each in found if each is not None), default=self.default), self.most))


@dataclass(frozen=True, slots=True)
class ListLength:
    """The number of items of the list at a path inside of a variable."""

    variable: str
    path: tuple[str, ...]

    def of(self, variables: Mapping[str, Any]) -> int:
        value = variables.get(self.variable)
        for name in self.path:
            value = value.get(name) if isinstance(value, dict) else None
        return len(value) if isinstance(value, list) else value is not None


def page_size(arguments: Mapping[str, ArgumentNode], default: int, most: int) -> int | Size:
    """Returns the size of a page, or of the first items of a list. `default` is for a field without these arguments."""
    values = [arguments[each].value for each in PAGE_ARGUMENTS if each in arguments]
    given = [each.name.value if isinstance(each, VariableNode) else _literal_number(each) for each in values]
    size = PageSize(tuple(each for each in given if each is not None), default, most)
    return size if any(isinstance(each, str) for each in size.given) else size.of({})


def length_of(arguments: Mapping[str, ArgumentNode], path: Sequence[str]) -> int | Size:
    """Returns the length of the list argument at this path: ("input", "updates")."""
    value: ValueNode | None = arguments[path[0]].value if path[0] in arguments else None
    for index, name in enumerate(path[1:], 1):
        if isinstance(value, VariableNode):
            return ListLength(value.name.value, tuple(path[index:]))
        fields = value.fields if isinstance(value, ObjectValueNode) else ()
        value = next((each.value for each in fields if each.name.value == name), None)
    if isinstance(value, VariableNode):
        return ListLength(value.name.value, ())
    if isinstance(value, ListValueNode):
        return len(value.values)
    return 0 if value is None or isinstance(value, NullValueNode) else 1


def _literal_number(value: ValueNode) -> int | None:
    """Returns None for null, and for a value that is not a number: validation refuses it later."""
    if isinstance(value, IntValueNode):
        # Python takes quadratic time to parse an integer, so that long ones are not parsed at all.
        return int(value.value) if len(value.value) < 10 else MANY
    return None


def _number(value: Any) -> int | None:
    """Reads a number as GraphQL's Int does: 25.0 is 25. Returns None for any other value."""
    # In Python a bool is an int, but GraphQL refuses it.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value
