"""What a caller requests of an object: names of attributes, each with what is requested inside it."""

from collections.abc import Mapping
from typing import Any, TypeAlias

Selection: TypeAlias = Mapping[str, "Selection"]


class SelectionTree(dict[str, "SelectionTree"]):
    """The selection of a field, kept with its GraphQL document. `plans` are what readers computed for it before."""

    __slots__ = ("plans",)

    def __init__(self) -> None:
        super().__init__()
        self.plans: dict[Any, Any] | None = None

    def below(self, name: str) -> "SelectionTree":
        """The selection inside an attribute, which is added if it is missing."""
        found = self.get(name)
        if found is None:
            found = self[name] = SelectionTree()
        return found
