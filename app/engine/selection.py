"""From a selection set to attribute names: what is asked for, and nothing else, is read."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
)

from app.domain.selections import Selection, SelectionTree

Fragments = Mapping[str, FragmentDefinitionNode]


@lru_cache(maxsize=2048)
def _snake(name: str) -> str:
    return re.sub("([A-Z])", r"_\1", name).lower()


def tree_of(nodes: Iterable[FieldNode], fragments: Fragments) -> SelectionTree:
    """Everything asked for below these nodes, whatever its alias, type condition or directive."""
    tree = SelectionTree()
    spread: set[tuple[int, str]] = set()
    for node in nodes:
        if node.selection_set:
            add_selections(tree, node.selection_set, fragments, spread)
    return tree


def add_selections(
    tree: SelectionTree, selections: SelectionSetNode, fragments: Fragments, spread: set[tuple[int, str]]
) -> None:
    """`spread`: which fragments went into which place already. Spread twice, one adds nothing, and takes no time."""
    for each in selections.selections:
        if isinstance(each, FieldNode):
            below = tree.below(_snake(each.name.value))
            if each.selection_set:
                add_selections(below, each.selection_set, fragments, spread)
        elif isinstance(each, InlineFragmentNode):
            add_selections(tree, each.selection_set, fragments, spread)
        elif isinstance(each, FragmentSpreadNode) and (id(tree), each.name.value) not in spread:
            spread.add((id(tree), each.name.value))
            add_selections(tree, fragments[each.name.value].selection_set, fragments, spread)


def of_nodes(connection: Selection) -> SelectionTree:
    """What is asked of each row of a connection, through `nodes` and through `edges`."""
    merged = SelectionTree()
    _merge(merged, connection.get("nodes", {}))
    _merge(merged, connection.get("edges", {}).get("node", {}))
    return merged


def of_paths(operation: Selection, paths: Iterable[Sequence[str]]) -> SelectionTree:
    """What an operation asks for at any of these paths, together."""
    merged = SelectionTree()
    for path in paths:
        found = operation
        for name in path:
            found = found.get(name, {})
        _merge(merged, found)
    return merged


def _merge(into: SelectionTree, selection: Selection) -> None:
    for name, inside in selection.items():
        _merge(into.below(name), inside)
