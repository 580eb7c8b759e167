"""Documents: parsed, measured and validated once, and remembered, because clients send the same few again and again."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from app.domain.selections import SelectionTree
from app.engine.cost import Counted, OperationCost
from app.engine.limits import Limits
from app.engine.measuring import FieldCosts, Measure
from app.engine.selection import add_selections, selection_at_paths

# The maximum number of remembered documents, and their maximum size together in bytes.
MAX_REMEMBERED = 1_000
MAX_REMEMBERED_BYTES = 64_000_000
# Estimates of the memory that a document takes with its nodes, costs and selections. Measurements gave somewhat less.
_BYTES_PER_TOKEN, _BYTES_PER_CHARACTER = 700, 3
# The maximum number of texts from callers without a token that are known by their hash. Each takes about 100 bytes.
MAX_SEEN = 10_000
# The maximum number of validation errors in one answer.
MAX_ERRORS = 5
# The same rules as in Strawberry, which the engine replaces.
_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document. The client chooses its `name`."""

    node: OperationDefinitionNode
    cost: OperationCost

    @property
    def type(self) -> OperationType:
        return self.node.operation

    @property
    def name(self) -> str | None:
        return self.node.name.value if self.node.name else None


@dataclass(slots=True)
class Document:
    """A document with everything that is known about it. A document with `errors` is not executed.

    `trees` are the selections of operations and fields, and `lists` the counted lengths of lists. Their keys are ids of
    nodes of this document. `size` is an estimate in bytes.
    """

    errors: list[GraphQLError] = field(default_factory=list)
    document: DocumentNode | None = None
    operations: dict[str | None, Operation] = field(default_factory=dict)
    fragments: dict[str, FragmentDefinitionNode] = field(default_factory=dict)
    # Python does not reuse the id of an object that lives, and the nodes live as long as the document.
    trees: dict[int, SelectionTree] = field(default_factory=dict)
    lists: dict[int, Counted] = field(default_factory=dict)
    size: int = 0

    def operation(self, name: str | None) -> Operation | None:
        """Returns the operation with this name, or without a name the only operation. Otherwise returns None."""
        if name is not None:
            return self.operations.get(name)
        return next(iter(self.operations.values())) if len(self.operations) == 1 else None

    def selection_at(self, operation: OperationDefinitionNode, paths: Sequence[Sequence[str]]) -> SelectionTree:
        """Returns the fields that a query selects at these paths; nothing for a mutation.

        Every call must have the same `paths`, because the result is stored for the operation.
        """
        known = self.trees.get(id(operation))
        if known is None:
            tree = SelectionTree()
            if operation.operation is OperationType.QUERY:
                add_selections(tree, operation.selection_set, self.fragments, set())
            known = self.trees[id(operation)] = selection_at_paths(tree, paths)
        return known


class Documents:
    """The valid documents that were used last, within the limits above. Trusted documents are always remembered.

    `hits` and `misses` count the requests for remembered and for other documents.
    """

    # A document of a caller without a token is remembered only when it is sent a second time. Otherwise strangers could
    # push the documents of all other clients out of the memory, at no cost.

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: Limits,
        trusted: Mapping[str, str] | None = None,
        introspection: bool = True,
    ) -> None:
        """Raises GraphQLError when a trusted document is not valid. `introspection` allows introspection queries."""
        self.hits = self.misses = 0
        self._schema = schema
        self._limits = limits
        self._introspection = introspection
        self._costs = FieldCosts(schema)
        self._known: OrderedDict[str, Document] = OrderedDict()
        self._size = 0
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._trusted = {name: self._build(text) for name, text in (trusted or {}).items()}
        for each in self._trusted.values():
            if each.errors:
                raise each.errors[0]

    def __len__(self) -> int:
        """The number of remembered documents, without trusted ones."""
        return len(self._known)

    def trusted(self, document_id: str) -> Document | None:
        """Returns the trusted document with this id."""
        return self._trusted.get(document_id)

    @property
    def size(self) -> int:
        """The estimated size of the remembered documents in bytes."""
        return self._size

    def prepare(self, query: str, has_token: bool = True) -> Document:
        """Returns the document for a text. Parses, measures and validates a text that is not remembered."""
        known = self._known.get(query)
        if known is not None:
            self.hits += 1
            self._known.move_to_end(query)
            return known
        self.misses += 1
        made = self._build(query)
        if not made.errors and (has_token or self._was_sent_before(query)):
            self._remember(query, made)
        return made

    def _remember(self, query: str, made: Document) -> None:
        self._known[query] = made
        self._size += made.size
        while len(self._known) > MAX_REMEMBERED or self._size > MAX_REMEMBERED_BYTES:
            _, oldest = self._known.popitem(last=False)
            self._size -= oldest.size

    def _was_sent_before(self, query: str) -> bool:
        key = hash(query)
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)
        return False

    def _build(self, query: str) -> Document:
        try:
            document = parse(query, max_tokens=self._limits.tokens)
        except GraphQLError as error:
            return Document([_with_code(error, "GRAPHQL_PARSE_FAILED")])
        except RecursionError:
            return Document([_with_code(GraphQLError("The document is nested too deep."), "GRAPHQL_PARSE_FAILED")])
        measure = Measure(self._costs, document)
        size = _BYTES_PER_TOKEN * document.token_count + _BYTES_PER_CHARACTER * len(query)
        made = Document(document=document, lists=measure.lists, size=size)
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                cost = measure.check(definition, self._limits)
                if isinstance(cost, GraphQLError):
                    return Document([cost])
                made.operations[definition.name.value if definition.name else None] = Operation(definition, cost)
            elif isinstance(definition, FragmentDefinitionNode):
                made.fragments[definition.name.value] = definition
        try:
            errors = self._validate(document)
        except RecursionError:
            errors = [GraphQLError("The document is nested too deep.")]
        made.errors = [_with_code(error, "GRAPHQL_VALIDATION_FAILED") for error in errors]
        return made

    def _validate(self, document: DocumentNode) -> list[GraphQLError]:
        """Returns the first MAX_ERRORS errors."""
        # graphql-core suggests similar names in its errors. Without introspection, such hints would reveal the schema.
        rules = _RULES if self._introspection else (*_RULES, NoSchemaIntrospectionCustomRule)
        hidden = not self._introspection
        errors = validate(self._schema, document, rules, max_errors=MAX_ERRORS, hide_suggestions=hidden)
        # After max_errors, graphql-core adds one more error, which only says that it stopped.
        return errors[:MAX_ERRORS]


def _with_code(error: GraphQLError, code: str) -> GraphQLError:
    error.extensions = {**(error.extensions or {}), "code": code}
    return error
