"""Documents, parsed and validated once: clients send the same few over and over."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
)
from strawberry import Schema
from strawberry.schema.schema import validate_document

from app.schema.limits import check_depth
from app.schema.selection import Tree, add_selections, of_viewer

MAX_TOKENS = 2_000
MAX_REMEMBERED = 1_000


@dataclass(slots=True)
class Document:
    """One text, with what was found out about it. `errors`: it is not executed."""

    errors: list[GraphQLError] = field(default_factory=list)
    document: DocumentNode | None = None
    operations: dict[str | None, OperationDefinitionNode] = field(default_factory=dict)
    fragments: dict[str, FragmentDefinitionNode] = field(default_factory=dict)
    # By the id of a node of this document, which lives as long as this does.
    trees: dict[int, Tree] = field(default_factory=dict)

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The one of that name; without a name the only one. None where that is none, or not clear."""
        if name is not None:
            return self.operations.get(name)
        return next(iter(self.operations.values())) if len(self.operations) == 1 else None

    def viewer_selection(self, operation: OperationDefinitionNode) -> Tree:
        """What the operation asks of the caller's own profile."""
        known = self.trees.get(id(operation))
        if known is None:
            tree: Tree = {}
            if operation.operation is OperationType.QUERY:
                add_selections(tree, operation.selection_set, self.fragments, set())
            known = self.trees[id(operation)] = dict(of_viewer(tree))
        return known


class Documents:
    """The latest MAX_REMEMBERED texts; what does not validate is not remembered."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._known: OrderedDict[str, Document] = OrderedDict()

    def prepare(self, query: str) -> Document:
        """Parses and validates by the schema, or finds that it was done."""
        known = self._known.get(query)
        if known is not None:
            self._known.move_to_end(query)
            return known
        made = self._make(query)
        if not made.errors:
            self._known[query] = made
            if len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        return made

    def _make(self, query: str) -> Document:
        try:
            document = parse(query, max_tokens=MAX_TOKENS)
        except GraphQLError as error:
            return Document([_coded(error, "GRAPHQL_PARSE_FAILED")])
        except RecursionError:
            return Document(
                [GraphQLError("The document is nested too deep.", extensions=_code("GRAPHQL_PARSE_FAILED"))]
            )
        too_deep = check_depth(document)
        if too_deep is not None:
            return Document([too_deep])
        errors = validate_document(self._schema._schema, document, tuple(specified_rules))
        made = Document([_coded(error, "GRAPHQL_VALIDATION_FAILED") for error in errors], document)
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                made.operations[definition.name.value if definition.name else None] = definition
            elif isinstance(definition, FragmentDefinitionNode):
                made.fragments[definition.name.value] = definition
        return made


def _code(code: str) -> dict[str, Any]:
    return {"code": code}


def _coded(error: GraphQLError, code: str) -> GraphQLError:
    error.extensions = {**(error.extensions or {}), **_code(code)}
    return error
