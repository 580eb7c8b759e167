"""Documents, parsed, measured and validated once: clients send the same few over and over."""

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
from app.engine.selection import add_selections, of_paths

# Texts, and bytes that they take with all that was found out about them.
MAX_REMEMBERED = 1_000
MAX_REMEMBERED_BYTES = 64_000_000
# As measured, and somewhat more: nodes, tokens, what was measured, selections and plans.
_BYTES_OF_A_TOKEN, _BYTES_OF_A_CHARACTER = 700, 3
# Texts without a token that were sent once. A hash takes about a hundred bytes.
MAX_SEEN = 10_000
# What one answer says is wrong with a document.
MAX_ERRORS = 5
# As strawberry validates.
_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)


@dataclass(frozen=True, slots=True)
class Operation:
    """One of a document's. `name` is the caller's word for it."""

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
    """One text, with what was found out about it. `errors`: it is not executed."""

    errors: list[GraphQLError] = field(default_factory=list)
    document: DocumentNode | None = None
    operations: dict[str | None, Operation] = field(default_factory=dict)
    fragments: dict[str, FragmentDefinitionNode] = field(default_factory=dict)
    # By the id of a node of this document, which lives as long as this does.
    trees: dict[int, SelectionTree] = field(default_factory=dict)
    # What each list counts as, likewise.
    lists: dict[int, Counted] = field(default_factory=dict)
    # About how many bytes it takes.
    size: int = 0

    def operation(self, name: str | None) -> Operation | None:
        """The one of that name; without a name the only one. None where that is none, or not clear."""
        if name is not None:
            return self.operations.get(name)
        return next(iter(self.operations.values())) if len(self.operations) == 1 else None

    def selection_at(self, operation: OperationDefinitionNode, paths: Sequence[Sequence[str]]) -> SelectionTree:
        """What the operation, if it is a query, asks for at any of these paths. They are the same at each call."""
        known = self.trees.get(id(operation))
        if known is None:
            tree = SelectionTree()
            if operation.operation is OperationType.QUERY:
                add_selections(tree, operation.selection_set, self.fragments, set())
            known = self.trees[id(operation)] = of_paths(tree, paths)
        return known


class Documents:
    """The latest texts that validate, as many as their limits allow. `trusted` are kept for good, by id.

    A text is remembered for callers with a token, and for others when it comes a second time: strangers must not fill
    the memory. `hits` and `misses` count what was remembered and what was not.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: Limits,
        trusted: Mapping[str, str] | None = None,
        introspection: bool = True,
    ) -> None:
        """GraphQLError for a trusted text that can't be run. `introspection`: whether the schema may be asked for."""
        self.hits = self.misses = 0
        self._schema = schema
        self._limits = limits
        self._introspection = introspection
        self._costs = FieldCosts(schema)
        self._known: OrderedDict[str, Document] = OrderedDict()
        self._size = 0
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._trusted = {name: self._make(text) for name, text in (trusted or {}).items()}
        for each in self._trusted.values():
            if each.errors:
                raise each.errors[0]

    def __len__(self) -> int:
        """How many texts are remembered."""
        return len(self._known)

    def trusted(self, document_id: str) -> Document | None:
        return self._trusted.get(document_id)

    @property
    def size(self) -> int:
        """About how many bytes the remembered texts take."""
        return self._size

    def prepare(self, query: str, has_token: bool = True) -> Document:
        """Parses, measures and validates by the schema, or finds that it was done."""
        known = self._known.get(query)
        if known is not None:
            self.hits += 1
            self._known.move_to_end(query)
            return known
        self.misses += 1
        made = self._make(query)
        if not made.errors and (has_token or self._was_seen(query)):
            self._remember(query, made)
        return made

    def _remember(self, query: str, made: Document) -> None:
        self._known[query] = made
        self._size += made.size
        while len(self._known) > MAX_REMEMBERED or self._size > MAX_REMEMBERED_BYTES:
            _, oldest = self._known.popitem(last=False)
            self._size -= oldest.size

    def _was_seen(self, query: str) -> bool:
        key = hash(query)
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)
        return False

    def _make(self, query: str) -> Document:
        try:
            document = parse(query, max_tokens=self._limits.tokens)
        except GraphQLError as error:
            return Document([_coded(error, "GRAPHQL_PARSE_FAILED")])
        except RecursionError:
            return Document([_coded(GraphQLError("The document is nested too deep."), "GRAPHQL_PARSE_FAILED")])
        measure = Measure(self._costs, document)
        size = _BYTES_OF_A_TOKEN * document.token_count + _BYTES_OF_A_CHARACTER * len(query)
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
        made.errors = [_coded(error, "GRAPHQL_VALIDATION_FAILED") for error in errors]
        return made

    def _validate(self, document: DocumentNode) -> list[GraphQLError]:
        """The first MAX_ERRORS. Without introspection no error helps to guess names of the schema."""
        rules = _RULES if self._introspection else (*_RULES, NoSchemaIntrospectionCustomRule)
        hidden = not self._introspection
        errors = validate(self._schema, document, rules, max_errors=MAX_ERRORS, hide_suggestions=hidden)
        # Beyond the limit there is one more, which says so.
        return errors[:MAX_ERRORS]


def _coded(error: GraphQLError, code: str) -> GraphQLError:
    error.extensions = {**(error.extensions or {}), "code": code}
    return error
