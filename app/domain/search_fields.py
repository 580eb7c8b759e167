"""Declarations of what the search language and `where` can name: a field, its type, and how its values are compared."""

from dataclasses import dataclass
from enum import StrEnum


class SearchFieldType(StrEnum):
    """The type of the values of a search field."""

    TEXT = "TEXT"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    TIME = "TIME"
    ANY = "ANY"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchField:
    """A field of the search language.

    `name` is in snake_case and dotted; `user_metadata.*` means any path below. Values are compared through the terms of
    the profile. With `column`, the value that is stored at this path is compared instead: times and counters change at
    each login, and terms of them would make each login write more. `exact` is the stored path of a text whose case
    counts. `order` is the stored field that a list is sorted by.
    """

    name: str
    type: SearchFieldType
    example: str
    searchable: bool = True
    column: str | None = None
    exact: str | None = None
    order: str | None = None

    @property
    def root(self) -> str | None:
        """`user_metadata` of `user_metadata.*`, or None for a field that is not a document."""
        return self.name.removesuffix(".*") if self.name.endswith(".*") else None


def text(name: str, example: str, *, exact: str | None = None, order: str | None = None) -> SearchField:
    return SearchField(name=name, type=SearchFieldType.TEXT, example=example, exact=exact, order=order)


def boolean(name: str) -> SearchField:
    return SearchField(name=name, type=SearchFieldType.BOOLEAN, example=f"{name}:true")


def time(name: str, example: str) -> SearchField:
    return SearchField(name=name, type=SearchFieldType.TIME, example=example, column=name, order=name)


def number(name: str, example: str) -> SearchField:
    return SearchField(name=name, type=SearchFieldType.NUMBER, example=example, column=name, order=name)


def document(name: str, example: str) -> SearchField:
    return SearchField(name=f"{name}.*", type=SearchFieldType.ANY, example=example)
