"""Turns selection sets into trees of attribute names, so that only the selected values are read."""

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
def _to_snake(name: str) -> str:
    return re.sub("([A-Z])", r"_\1", name).lower()


def tree_of(nodes: Iterable[FieldNode], fragments: Fragments) -> SelectionTree:
    """Returns the fields that are selected below these nodes, with any alias, type condition or directive."""
    # `@skip` and `@include` are ignored: a tree is stored with its document and must fit every set of variables. At
    # most, too much is read; the answer still follows the directives.
    tree = SelectionTree()
    spread: set[tuple[int, str]] = set()
    for node in nodes:
        if node.selection_set:
            add_selections(tree, node.selection_set, fragments, spread)
    return tree


def add_selections(
    tree: SelectionTree, selections: SelectionSetNode, fragments: Fragments, spread: set[tuple[int, str]]
) -> None:
    """Adds the fields of a selection set to `tree`.

    `spread` contains the fragments that were added already, each with the place in the tree.
    """
    for each in selections.selections:
        if isinstance(each, FieldNode):
            below = tree.below(_to_snake(each.name.value))
            if each.selection_set:
                add_selections(below, each.selection_set, fragments, spread)
        elif isinstance(each, InlineFragmentNode):
            add_selections(tree, each.selection_set, fragments, spread)
        elif isinstance(each, FragmentSpreadNode) and (id(tree), each.name.value) not in spread:
            # Without this set, fragments that spread each other twice would double the work at each level.
            spread.add((id(tree), each.name.value))
            add_selections(tree, fragments[each.name.value].selection_set, fragments, spread)


def node_selection_of(connection: Selection) -> SelectionTree:
    """Returns the fields that are selected of each row of a connection, in `nodes` and in `edges { node }`."""
    merged = SelectionTree()
    _merge(merged, connection.get("nodes", {}))
    _merge(merged, connection.get("edges", {}).get("node", {}))
    return merged


def selection_at_paths(operation: Selection, paths: Iterable[Sequence[str]]) -> SelectionTree:
    """Returns the union of the fields that an operation selects at these paths."""
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
