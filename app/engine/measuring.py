"""Measuring a document before any work is done for it: one pass, linear however often a fragment is spread."""

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

# A list that declares no size, strictly; the schema's own lists are short.
LIST_SIZE, INTROSPECTION_LIST_SIZE = 100, 10
# What merges with what is compared in pairs when a document is validated: fields asked for again, and fragments.
MAX_MERGES = 150
# GraphiQL's own question is 15 deep.
INTROSPECTION_DEPTH = 15
_INTROSPECTION = ("__schema", "__type")
_PAGED = ("nodes", "edges")
_ONE = Cost(1)


@dataclass(slots=True)
class Asked:
    """What a selection set asks for, everything below it included. `paged` is the cost of one item of a page.

    `public` are the fields of it, not those below, that need no token.
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
    """What the fields of a schema declare, found once for each schema."""

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
        known = self._weights.get(id(definition))
        if known is None:
            found = declared(definition, CostWeight)
            default = MUTATION_COST if parent is self.schema.mutation_type else 1
            known = self._weights[id(definition)] = default if found is None else found.weight
        return known

    def is_sized_by_parent(self, parent: GraphQLNamedType, name: str) -> bool:
        """Whether the field that the object came from says how long this list is."""
        return (parent.name.endswith("Connection") and name in _PAGED) or (parent.name, name) in self._sized


class Measure:
    """Of one document. Takes documents that do not validate: what the schema does not know counts as a leaf.

    `lists` is what each list of the document counts as, by the id of its node.
    """

    def __init__(self, costs: FieldCosts, document: DocumentNode) -> None:
        self.lists: dict[int, Counted] = {}
        self._costs = costs
        self._schema = costs.schema
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self._known: dict[str, Asked] = {}
        self._merges = 0
        self._excess: GraphQLError | None = None
        try:
            for name in self._fragments:
                self._fragment(name)
        except RecursionError:
            self._merges = MANY
        except GraphQLError as error:
            self._excess = error

    def check(self, operation: OperationDefinitionNode, limits: Limits) -> OperationCost | GraphQLError:
        """What is too much whatever the variables is an error; the rest costs what it costs when it is run."""
        if self._excess is not None:
            return self._excess
        try:
            asked = self._selections(operation.selection_set, self._schema.get_root_type(operation.operation))
            defaults = {
                each.variable.name.value: to_python(each.default_value) for each in operation.variable_definitions or ()
            }
        except RecursionError:
            return exceeded("The operation nests too deep.", operation)
        except GraphQLError as error:
            return error
        asked.directives += len(operation.directives or ())
        for count, most, what, unit in (
            (asked.depth, limits.depth, "nests {} deep", "field"),
            (asked.introspection_depth, INTROSPECTION_DEPTH, "nests {} deep in the schema", "field"),
            (asked.aliases, limits.aliases, "has {}", "alias"),
            (asked.directives, limits.directives, "has {}", "directive"),
            (asked.fields, limits.root_fields, "has {} at its root", "field"),
            (self._merges, MAX_MERGES, "asks {} for fragments and repeated fields", "time"),
        ):
            if count > most:
                return exceeded(f"The operation {what.format(quantity(count, unit))}; the limit is {most}.", operation)
        return OperationCost(asked.cost, asked.introspection, defaults, not asked.public)

    def _selections(self, selections: SelectionSetNode | None, parent: GraphQLNamedType | None) -> Asked:
        asked = Asked()
        names: set[str] = set()
        for each in selections.selections if selections else ():
            if isinstance(each, FieldNode):
                self._add_field(asked, each, parent)
                name = (each.alias or each.name).value
                self._merges += name in names
                names.add(name)
            elif isinstance(each, FragmentSpreadNode):
                self._merges += 1
                _add(asked, self._fragment(each.name.value))
            elif isinstance(each, InlineFragmentNode):
                self._merges += 1
                condition = each.type_condition
                type_ = self._schema.get_type(condition.name.value) if condition else parent
                _add(asked, self._selections(each.selection_set, type_))
            asked.directives = min(asked.directives + len(each.directives or ()), MANY)
        return asked

    def _fragment(self, name: str) -> Asked:
        if name not in self._known:
            # One that spreads itself counts as nothing here; validation says what is wrong with it.
            self._known[name] = Asked()
            fragment = self._fragments.get(name)
            if fragment is not None:
                type_ = self._schema.get_type(fragment.type_condition.name.value)
                self._known[name] = self._selections(fragment.selection_set, type_)
        return self._known[name]

    def _add_field(self, asked: Asked, node: FieldNode, parent: GraphQLNamedType | None) -> None:
        name = node.name.value
        definition = None if parent is None else self._schema.get_field(parent, name)  # type: ignore[arg-type]
        below = self._selections(node.selection_set, get_named_type(definition.type) if definition else None)
        asked.fields = min(asked.fields + 1, MANY)
        asked.public += definition is None or is_public(name, definition)
        asked.aliases = min(asked.aliases + below.aliases + (node.alias is not None), MANY)
        asked.directives = min(asked.directives + below.directives, MANY)
        asked.introspection_depth = max(asked.introspection_depth, below.introspection_depth)
        if name in _INTROSPECTION:
            asked.introspection_depth = max(asked.introspection_depth, 1 + below.depth)
            asked.introspection.add(1, below.cost)
            return
        asked.depth = max(asked.depth, 1 + below.depth)
        asked.introspection.add(1, below.introspection)
        if definition is None or parent is None:
            asked.cost.add_fixed(1)
            asked.cost.add(1, below.cost)
            return
        self._add_cost(asked, node, parent, definition, below)

    def _add_cost(
        self, asked: Asked, node: FieldNode, parent: GraphQLNamedType, definition: GraphQLField, below: Asked
    ) -> None:
        """Of a field that the schema knows."""
        into, size = asked.cost, self._size(node, parent, definition)
        if self._costs.is_sized_by_parent(parent, node.name.value):
            into = asked.paged
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
            fixed, given = cost_of_literal(argument.value, shape)
            into.add_fixed(fixed)
            into.lists += [(each, _ONE) for each in given if each.shape.matters]

    def _size(self, node: FieldNode, parent: GraphQLNamedType, definition: GraphQLField) -> int | Size:
        """How long the list is that the field is, or that its object has."""
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


def _add(asked: Asked, spread: Asked) -> None:
    asked.depth = max(asked.depth, spread.depth)
    asked.introspection_depth = max(asked.introspection_depth, spread.introspection_depth)
    asked.aliases = min(asked.aliases + spread.aliases, MANY)
    asked.directives = min(asked.directives + spread.directives, MANY)
    asked.fields = min(asked.fields + spread.fields, MANY)
    asked.public = min(asked.public + spread.public, MANY)
    asked.cost.add(1, spread.cost)
    asked.paged.add(1, spread.paged)
    asked.introspection.add(1, spread.introspection)
