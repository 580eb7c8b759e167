"""Limits on a document before any work is done for it: one pass, linear however often a fragment is spread."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

from app.domain.paging import MAX_SIZE

# A list whose length nobody said.
LIST_SIZE = 10
# What merges with what is compared in pairs when a document is validated: fields asked for again, and fragments.
MAX_MERGES = 150
# GraphiQL's own question is 15 deep, and costs about 60,000 as lists are counted.
INTROSPECTION_DEPTH = 15
INTROSPECTION_COST = 100_000
_INTROSPECTION = ("__schema", "__type")
_PAGED = ("nodes", "edges")
# Counts stop here: a document could double them a hundred times.
_MANY = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one operation may ask for. Fragments count as often as they are spread.

    `cost` is one for each field, times the sizes of the lists that it is in; a list without `first` or `last` counts
    as LIST_SIZE. `seconds` is how long an operation may run. `body` is bytes.
    """

    body: int = 1_000_000
    tokens: int = 2_000
    depth: int = 12
    aliases: int = 30
    directives: int = 50
    root_fields: int = 20
    cost: int = 10_000
    seconds: float = 10.0


@dataclass(slots=True)
class Cost:
    """Of a selection set: `fixed`, and what costs as often as a list is long. `size` is a number or a variable."""

    fixed: int = 0
    lists: list[tuple["Size", "Cost"]] = field(default_factory=list)

    def value(self, variables: Mapping[str, Any], known: dict[int, int] | None = None) -> int:
        """In full, at most _MANY."""
        known = {} if known is None else known
        found = known.get(id(self))
        if found is None:
            found = self.fixed + sum(_size(size, variables) * each.value(variables, known) for size, each in self.lists)
            known[id(self)] = found = min(found, _MANY)
        return found

    @property
    def is_constant(self) -> bool:
        return not self.lists


# A list's length: known, or the name of the variable that has it (as a number, or as the list itself).
Size = int | str


@dataclass(slots=True)
class Asked:
    """What a selection set asks for, everything below it included. `paged` is the cost of one item of a page."""

    depth: int = 0
    introspection_depth: int = 0
    aliases: int = 0
    directives: int = 0
    fields: int = 0
    cost: Cost = field(default_factory=Cost)
    introspection: Cost = field(default_factory=Cost)
    paged: Cost = field(default_factory=Cost)


@dataclass(frozen=True, slots=True)
class OperationCost:
    """What running an operation costs, by the variables that it is run with."""

    cost: Cost
    introspection: Cost
    defaults: Mapping[str, Any]

    def check(self, limits: Limits, variables: Mapping[str, Any]) -> tuple[int, GraphQLError | None]:
        """The cost, and the error where it is too high."""
        given = variables if self.cost.is_constant else {**self.defaults, **variables}
        cost, introspection = self.cost.value(given), self.introspection.value(given)
        if cost > limits.cost:
            return cost, exceeded(f"The operation costs {cost}, and may cost {limits.cost}: ask for shorter lists.")
        if introspection > INTROSPECTION_COST:
            return cost, exceeded("The operation asks for too much of the schema.")
        return cost + introspection // 100, None


def exceeded(message: str, node: Any = None) -> GraphQLError:
    return GraphQLError(message, nodes=node, extensions={"code": "COST_EXCEEDED"})


class Measure:
    """Of one document. Takes documents that do not validate: what the schema does not know counts as a leaf."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self._known: dict[str, Asked] = {}
        self._merges = 0
        try:
            for name in self._fragments:
                self._fragment(name)
        except RecursionError:
            self._merges = _MANY

    def check(self, operation: OperationDefinitionNode, limits: Limits) -> OperationCost | GraphQLError:
        """What is too much whatever the variables is an error; the rest costs what it costs when it is run."""
        try:
            asked = self._selections(operation.selection_set, self._schema.get_root_type(operation.operation))
        except RecursionError:
            return exceeded("The operation nests too deep.", operation)
        asked.directives += len(operation.directives or ())
        for count, most, what in (
            (asked.depth, limits.depth, "nests {} fields deep"),
            (asked.introspection_depth, INTROSPECTION_DEPTH, "nests {} fields deep in the schema"),
            (asked.aliases, limits.aliases, "has {} aliases"),
            (asked.directives, limits.directives, "has {} directives"),
            (asked.fields, limits.root_fields, "has {} fields at its root"),
            (self._merges, MAX_MERGES, "has {} fragments and fields asked for again"),
        ):
            if count > most:
                return exceeded(f"The operation {what.format(count)}; the limit is {most}.", operation)
        defaults = {
            each.variable.name.value: _literal(each.default_value) for each in operation.variable_definitions or ()
        }
        return OperationCost(asked.cost, asked.introspection, defaults)

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
            asked.directives = min(asked.directives + len(each.directives or ()), _MANY)
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
        asked.fields = min(asked.fields + 1, _MANY)
        asked.aliases = min(asked.aliases + below.aliases + (node.alias is not None), _MANY)
        asked.directives = min(asked.directives + below.directives, _MANY)
        asked.introspection_depth = max(asked.introspection_depth, below.introspection_depth)
        if name in _INTROSPECTION:
            asked.introspection_depth = max(asked.introspection_depth, 1 + below.depth)
            _put(asked.introspection, 1, below.cost)
            return
        asked.depth = max(asked.depth, 1 + below.depth)
        _put(asked.introspection, 1, below.introspection)
        into, size = asked.cost, 1 if definition is None else self._size(node, definition)
        if parent is not None and parent.name.endswith("Connection") and name in _PAGED:
            into, size = asked.paged, 1
        into.fixed = min(into.fixed + 1, _MANY)
        _put(into, size if definition is None or _is_list(definition) else 1, below.cost)
        _put(into, size, below.paged)

    def _size(self, node: FieldNode, definition: GraphQLField) -> Size:
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last", "ids"):
                return self._length(argument.value)
        return LIST_SIZE if _is_list(definition) or "first" in definition.args else 1

    @staticmethod
    def _length(value: Any) -> Size:
        return value.name.value if isinstance(value, VariableNode) else _clamped(_literal(value))


def _is_list(definition: GraphQLField) -> bool:
    type_ = definition.type.of_type if isinstance(definition.type, GraphQLNonNull) else definition.type
    return isinstance(type_, GraphQLList)


def _put(into: Cost, size: Size, each: Cost) -> None:
    """`size` times `each`; a number times a number is a number, so that most documents need no sum when they run."""
    if isinstance(size, int) and each.is_constant:
        into.fixed = min(into.fixed + size * each.fixed, _MANY)
    else:
        into.lists.append((size, each))


def _add(asked: Asked, spread: Asked) -> None:
    asked.depth = max(asked.depth, spread.depth)
    asked.introspection_depth = max(asked.introspection_depth, spread.introspection_depth)
    asked.aliases = min(asked.aliases + spread.aliases, _MANY)
    asked.directives = min(asked.directives + spread.directives, _MANY)
    asked.fields = min(asked.fields + spread.fields, _MANY)
    _put(asked.cost, 1, spread.cost)
    _put(asked.paged, 1, spread.paged)
    _put(asked.introspection, 1, spread.introspection)


def _literal(value: Any) -> Any:
    if isinstance(value, IntValueNode):
        return int(value.value) if len(value.value) < 10 else _MANY
    if isinstance(value, ListValueNode):
        return [None] * len(value.values)
    return None


def _size(size: Size, variables: Mapping[str, Any]) -> int:
    return size if isinstance(size, int) else _clamped(variables.get(size))


def _clamped(value: Any) -> int:
    """What is no length, or longer than any page may be, is refused when it is run: it costs as if left out."""
    if isinstance(value, list):
        return min(len(value), MAX_SIZE)
    if isinstance(value, bool) or not isinstance(value, int):
        return LIST_SIZE
    return min(max(value, 0), MAX_SIZE)
