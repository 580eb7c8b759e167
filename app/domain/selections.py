"""Selections: the attributes that a caller requests from an object, each with the selection inside it."""

from collections.abc import Mapping
from typing import Any, TypeAlias

Selection: TypeAlias = Mapping[str, "Selection"]


class SelectionTree(dict[str, "SelectionTree"]):
    """The selection of a field. It is stored with its GraphQL document, and `plans` caches results for it."""

    __slots__ = ("plans",)

    def __init__(self) -> None:
        super().__init__()
        self.plans: dict[Any, Any] | None = None

    def below(self, name: str) -> "SelectionTree":
        """Returns the selection inside an attribute. Adds the attribute if it is missing."""
        found = self.get(name)
        if found is None:
            found = self[name] = SelectionTree()
        return found
