"""Limits on a document before any work is done for it: one pass, linear however often a fragment is spread."""

from collections.abc import Mapping

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
)

# What GraphiQL asks of the schema itself is 15 deep.
MAX_DEPTH = 15


def check_depth(document: DocumentNode) -> GraphQLError | None:
    """None where fields nest at most MAX_DEPTH deep, through fragments too."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    depths: dict[str, int] = {}
    for each in document.definitions:
        if isinstance(each, OperationDefinitionNode) and _depth(each.selection_set, fragments, depths) > MAX_DEPTH:
            message = f"The operation nests deeper than {MAX_DEPTH} fields."
            return GraphQLError(message, nodes=each, extensions={"code": "COST_EXCEEDED"})
    return None


def _depth(
    selections: SelectionSetNode | None, fragments: Mapping[str, FragmentDefinitionNode], depths: dict[str, int]
) -> int:
    deepest = 0
    for each in selections.selections if selections else ():
        if isinstance(each, FieldNode):
            deepest = max(deepest, 1 + _depth(each.selection_set, fragments, depths))
        elif isinstance(each, FragmentSpreadNode):
            deepest = max(deepest, _of_fragment(each.name.value, fragments, depths))
        else:
            deepest = max(deepest, _depth(each.selection_set, fragments, depths))  # type: ignore[attr-defined]
    return deepest


def _of_fragment(name: str, fragments: Mapping[str, FragmentDefinitionNode], depths: dict[str, int]) -> int:
    if name not in depths:
        # One that spreads itself counts as nothing here; validation says what is wrong with it.
        depths[name] = 0
        fragment = fragments.get(name)
        depths[name] = _depth(fragment.selection_set if fragment else None, fragments, depths)
    return depths[name]
