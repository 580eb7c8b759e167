"""Measures a document before any work is done for it, in one pass that is linear in the size of the document."""

from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)

from app.directives import MUTATION_COST, CostWeight, ListSize, declared, is_public
from app.domain.paging import DEFAULT_SIZE, MAX_SIZE
from app.domain.quantities import quantity
from app.engine.arguments import cost_of_literal, to_python
from app.engine.cost import Cost, Counted, OperationCost
from app.engine.errors import exceeded
from app.engine.limits import Limits
from app.engine.shapes import Shapes
from app.engine.sizes import MANY, PAGE_ARGUMENTS, Size, length_of, page_size

# Lists without `@listSize` count as long, so that a forgotten directive is safe. Lists of introspection are short.
LIST_SIZE, INTROSPECTION_LIST_SIZE = 100, 10
# The maximum number of repeated fields and fragments. Validation compares them in pairs, which takes quadratic time.
MAX_MERGES = 150
# The query that GraphiQL sends for its documentation has 15 levels.
INTROSPECTION_DEPTH = 15
_INTROSPECTION = ("__schema", "__type")
_PAGED = ("nodes", "edges")
_ONE = Cost(1)


@dataclass(slots=True)
class Counts:
    """The counts of a selection set with everything below it.

    `paged` is the cost of one item of a page. `fields` and `public` count only the fields of the selection set itself;
    `public` are those that need no token.
    """

    depth: int = 0
    introspection_depth: int = 0
    aliases: int = 0
    directives: int = 0
    fields: int = 0
    public: int = 0
    cost: Cost = field(default_factory=Cost)
    introspection: Cost = field(default_factory=Cost)
    paged: Cost = field(default_factory=Cost)


class FieldCosts:
    """The costs and list sizes that a schema declares. One object serves all documents of a schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self.shapes = Shapes()
        self._weights: dict[int, int] = {}
        self._sized = {
            (get_named_type(each.type).name, name)
            for type_ in schema.type_map.values()
            if isinstance(type_, GraphQLObjectType)
            for each in type_.fields.values()
            for name in _sized_fields(each)
        }

    def weight(self, parent: GraphQLNamedType, definition: GraphQLField) -> int:
        """Returns the cost of a field itself: `@cost`, or else 50 for a mutation and 1 for any other field."""
        known = self._weights.get(id(definition))
        if known is None:
            found = declared(definition, CostWeight)
            default = MUTATION_COST if parent is self.schema.mutation_type else 1
            known = self._weights[id(definition)] = default if found is None else found.weight
        return known

    def is_sized_by_parent(self, parent: GraphQLNamedType, name: str) -> bool:
        """Whether the length of this list is determined by the field that returned its parent object."""
        return (parent.name.endswith("Connection") and name in _PAGED) or (parent.name, name) in self._sized


class Measure:
    """Measures one document. `lists` has the counted length of each list of the document, by the id of its node."""

    # A document is measured before it is validated, because validation is the more expensive step. So a field that the
    # schema does not have must not raise: it counts as a field without cost below it.

    def __init__(self, costs: FieldCosts, document: DocumentNode) -> None:
        self.lists: dict[int, Counted] = {}
        self._costs = costs
        self._schema = costs.schema
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self._known: dict[str, Counts] = {}
        self._merges = 0
        self._excess: GraphQLError | None = None
        try:
            for name in self._fragments:
                self._fragment(name)
        except RecursionError:
            # Reported by `check` as too many fragments.
            self._merges = MANY
        except GraphQLError as error:
            self._excess = error

    def check(self, operation: OperationDefinitionNode, limits: Limits) -> OperationCost | GraphQLError:
        """Returns the cost of an operation, or the error for a limit that it exceeds with any variables."""
        if self._excess is not None:
            return self._excess
        try:
            counts = self._selections(operation.selection_set, self._schema.get_root_type(operation.operation))
            defaults = {
                each.variable.name.value: to_python(each.default_value) for each in operation.variable_definitions or ()
            }
        except RecursionError:
            return exceeded("The operation is nested too deep.", operation)
        except GraphQLError as error:
            return error
        counts.directives += len(operation.directives or ())
        for count, most, what, unit in (
            (counts.depth, limits.depth, "has a depth of {}", "field"),
            (counts.introspection_depth, INTROSPECTION_DEPTH, "has an introspection depth of {}", "field"),
            (counts.aliases, limits.aliases, "has {}", "alias"),
            (counts.directives, limits.directives, "has {}", "directive"),
            (counts.fields, limits.root_fields, "has {} at its root", "field"),
            (self._merges, MAX_MERGES, "spreads fragments and repeats fields {}", "time"),
        ):
            if count > most:
                return exceeded(f"The operation {what.format(quantity(count, unit))}; the limit is {most}.", operation)
        return OperationCost(counts.cost, counts.introspection, defaults, not counts.public)

    def _selections(self, selections: SelectionSetNode | None, parent: GraphQLNamedType | None) -> Counts:
        counts = Counts()
        names: set[str] = set()
        for each in selections.selections if selections else ():
            if isinstance(each, FieldNode):
                self._add_field(counts, each, parent)
                name = (each.alias or each.name).value
                self._merges += name in names
                names.add(name)
            elif isinstance(each, FragmentSpreadNode):
                self._merges += 1
                _add(counts, self._fragment(each.name.value))
            elif isinstance(each, InlineFragmentNode):
                self._merges += 1
                condition = each.type_condition
                type_ = self._schema.get_type(condition.name.value) if condition else parent
                _add(counts, self._selections(each.selection_set, type_))
            counts.directives = min(counts.directives + len(each.directives or ()), MANY)
        return counts

    def _fragment(self, name: str) -> Counts:
        if name not in self._known:
            # A fragment that spreads itself counts as empty, so that this ends. Validation reports the cycle.
            self._known[name] = Counts()
            fragment = self._fragments.get(name)
            if fragment is not None:
                type_ = self._schema.get_type(fragment.type_condition.name.value)
                self._known[name] = self._selections(fragment.selection_set, type_)
        return self._known[name]

    def _add_field(self, counts: Counts, node: FieldNode, parent: GraphQLNamedType | None) -> None:
        name = node.name.value
        definition = None if parent is None else self._schema.get_field(parent, name)  # type: ignore[arg-type]
        below = self._selections(node.selection_set, get_named_type(definition.type) if definition else None)
        counts.fields = min(counts.fields + 1, MANY)
        counts.public += definition is None or is_public(name, definition)
        counts.aliases = min(counts.aliases + below.aliases + (node.alias is not None), MANY)
        counts.directives = min(counts.directives + below.directives, MANY)
        counts.introspection_depth = max(counts.introspection_depth, below.introspection_depth)
        if name in _INTROSPECTION:
            counts.introspection_depth = max(counts.introspection_depth, 1 + below.depth)
            counts.introspection.add(1, below.cost)
            return
        counts.depth = max(counts.depth, 1 + below.depth)
        counts.introspection.add(1, below.introspection)
        if definition is None or parent is None:
            counts.cost.add_fixed(1)
            counts.cost.add(1, below.cost)
            return
        self._add_cost(counts, node, parent, definition, below)

    def _add_cost(
        self, counts: Counts, node: FieldNode, parent: GraphQLNamedType, definition: GraphQLField, below: Counts
    ) -> None:
        """Adds the cost of a field that the schema has, of its arguments, and of everything below it."""
        into, size = counts.cost, self._size(node, parent, definition)
        if self._costs.is_sized_by_parent(parent, node.name.value):
            # The items of a page are multiplied where the connection is, because its arguments have their number.
            into = counts.paged
        elif _is_list(definition) and not parent.name.startswith("__"):
            self.lists[id(node)] = Counted(size, below.cost)
        into.add_fixed(self._costs.weight(parent, definition))
        self._add_arguments(into, node, definition)
        into.add(size if _is_list(definition) else 1, below.cost)
        into.add(size, below.paged)

    def _add_arguments(self, into: Cost, node: FieldNode, definition: GraphQLField) -> None:
        for argument in node.arguments or ():
            name = argument.name.value
            shape = self._costs.shapes.of(name, definition.args[name]) if name in definition.args else None
            if shape is None:
                continue
            fixed, uses = cost_of_literal(argument.value, shape)
            into.add_fixed(fixed)
            # The cost of a variable is only known when the operation runs.
            into.lists += [(each, _ONE) for each in uses if each.shape.matters]

    def _size(self, node: FieldNode, parent: GraphQLNamedType, definition: GraphQLField) -> int | Size:
        """Returns the length of the list that the field returns, or of the page for a connection. Otherwise 1."""
        if self._costs.is_sized_by_parent(parent, node.name.value):
            return 1
        declaration = declared(definition, ListSize)
        default = LIST_SIZE if not parent.name.startswith("__") else INTROSPECTION_LIST_SIZE
        if declaration and isinstance(declaration.assumed_size, int):
            default = declaration.assumed_size
        arguments = {each.name.value: each for each in node.arguments or ()}
        if any(each in definition.args for each in PAGE_ARGUMENTS):
            if not _is_list(definition):
                return page_size(arguments, DEFAULT_SIZE, MAX_SIZE)
            return page_size(arguments, default, MANY)
        if declaration and isinstance(declaration.slicing_arguments, list):
            return length_of(arguments, declaration.slicing_arguments[0].split("."))
        return default if _is_list(definition) else 1


def _sized_fields(definition: GraphQLField) -> list[str]:
    found = declared(definition, ListSize)
    return found.sized_fields if found and isinstance(found.sized_fields, list) else []


def _is_list(definition: GraphQLField) -> bool:
    type_ = definition.type.of_type if isinstance(definition.type, GraphQLNonNull) else definition.type
    return isinstance(type_, GraphQLList)


def _add(counts: Counts, spread: Counts) -> None:
    """Adds the counts of a fragment to those of the selection set that spreads it."""
    counts.depth = max(counts.depth, spread.depth)
    counts.introspection_depth = max(counts.introspection_depth, spread.introspection_depth)
    counts.aliases = min(counts.aliases + spread.aliases, MANY)
    counts.directives = min(counts.directives + spread.directives, MANY)
    counts.fields = min(counts.fields + spread.fields, MANY)
    counts.public = min(counts.public + spread.public, MANY)
    counts.cost.add(1, spread.cost)
    counts.paged.add(1, spread.paged)
    counts.introspection.add(1, spread.introspection)
