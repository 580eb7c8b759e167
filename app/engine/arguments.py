"""How large arguments and variables are, found by their input types before anything is coerced.

graphql-core coerces all variables before a resolver runs, and Strawberry converts the arguments of every field. Both
take time for each item, so what a caller can make long is counted first, on the JSON as it came.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLError,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    value_from_ast_untyped,
)

from app.directives import Constraint, CostWeight, declared
from app.domain.quantities import quantity

# A list that declares no length of its own.
MAX_ITEMS = 100
# Of lists and input objects. How deep JSON may nest is for whoever takes it to say.
MAX_DEPTH = 64
# A body of a megabyte could hold half a million. A document of 64 KB has a few thousand.
MAX_JSON_VALUES = 50_000
_CHARACTERS_OF_A_UNIT, _VALUES_OF_A_UNIT = 500, 50
_JSON = "JSON"

Definition = GraphQLArgument | GraphQLInputField


@dataclass(slots=True, eq=False)
class Shape:
    """What can be large in a value of an input type. `weight` is what the value costs, for a list what each item does.

    `name` is what messages call it. `is_list`: it has at most `most` items of the shape `item`. `fields` are those of
    an input object that can be large, or cost something.
    """

    name: str
    weight: int = 0
    is_json: bool = False
    is_list: bool = False
    most: int = MAX_ITEMS
    item: "Shape | None" = None
    is_object: bool = False
    fields: dict[str, "Shape"] = field(default_factory=dict)

    @property
    def matters(self) -> bool:
        return self.is_json or self.is_list or bool(self.weight) or bool(self.fields)


# What a variable inside of a JSON literal holds.
ANY_JSON = Shape(_JSON, is_json=True)


@dataclass(frozen=True, slots=True)
class Given:
    """A variable that is used where a value of a shape belongs: what it costs there."""

    variable: str
    shape: Shape

    def of(self, variables: Mapping[str, Any]) -> int:
        """GraphQLError where the variable's value is too long or too deep."""
        return cost_of(variables.get(self.variable), self.shape)


class Shapes:
    """The shapes of a schema's arguments, each found once."""

    def __init__(self) -> None:
        self._objects: dict[str, Shape] = {}
        self._making: set[str] = set()
        self._arguments: dict[int, tuple[Definition, Shape | None]] = {}

    def of(self, name: str, definition: Definition) -> Shape | None:
        """None where nothing in the argument can be large."""
        known = self._arguments.get(id(definition))
        if known is None:
            known = self._arguments[id(definition)] = definition, self._make(name, definition)
        return known[1]

    def _make(self, name: str, definition: Definition) -> Shape | None:
        weight, constraint = declared(definition, CostWeight), declared(definition, Constraint)
        found = self._of_type(name, definition.type)
        if found.is_list:
            found.weight = 1 if weight is None else weight.weight
            found.most = MAX_ITEMS if constraint is None else constraint.max_items
        elif weight is not None:
            # The shape of an input object is shared by all places where it may stand.
            found = Shape(
                name, weight.weight, is_json=found.is_json, is_object=found.is_object, fields=dict(found.fields)
            )
        # An input object is still in the making where a type holds itself.
        return found if found.matters or found.name in self._making else None

    def _of_type(self, name: str, type_: Any) -> Shape:
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        if isinstance(type_, GraphQLList):
            item = self._of_type(name, type_.of_type)
            return Shape(name, 1, is_list=True, item=item if item.matters or item.is_object else None)
        if isinstance(type_, GraphQLInputObjectType):
            return self._of_object(type_)
        is_json = isinstance(type_, GraphQLScalarType) and type_.name == _JSON
        return ANY_JSON if is_json else Shape(name)

    def _of_object(self, type_: GraphQLInputObjectType) -> Shape:
        known = self._objects.get(type_.name)
        if known is None:
            known = self._objects[type_.name] = Shape(type_.name, is_object=True)
            self._making.add(type_.name)
            for name, each in type_.fields.items():
                below = self.of(name, each)
                if below is not None:
                    known.fields[name] = below
            self._making.discard(type_.name)
        return known


def cost_of(value: Any, shape: Shape) -> int:
    """What a raw value costs where the shape belongs. GraphQLError where it is too long or too deep."""
    return _Walk().cost(value, shape, 0)


class _Walk:
    """Through one raw value. `values` counts those of JSON, all places together."""

    def __init__(self) -> None:
        self.values = 0

    def cost(self, value: Any, shape: Shape, depth: int) -> int:
        if value is None:
            return 0
        if depth > MAX_DEPTH:
            raise too_deep()
        if shape.is_json:
            return shape.weight + self._json(value)
        if shape.is_list:
            # One value stands for a list of one.
            return self._list(value if isinstance(value, list) else [value], shape, depth)
        if not isinstance(value, dict):
            return shape.weight
        below = [(value[name], each) for name, each in shape.fields.items() if name in value]
        return shape.weight + sum(self.cost(each, inner, depth + 1) for each, inner in below)

    def _list(self, items: list[Any], shape: Shape, depth: int) -> int:
        check_length(shape, len(items))
        cost, item = len(items) * shape.weight, shape.item
        if item is None:
            return cost
        if item.is_object:
            # Strawberry makes an object of each, field by field.
            cost += sum(len(each) for each in items if isinstance(each, dict))
        return cost + sum(self.cost(each, item, depth + 1) for each in items)

    def _json(self, value: Any) -> int:
        """Level by level, without recursion."""
        level: list[Any] = [[value]]
        characters, values = 0, 0
        while level:
            below = []
            for each in level:
                values += len(each)
                if self.values + values > MAX_JSON_VALUES:
                    raise exceeded(f"JSON in arguments holds at most {MAX_JSON_VALUES} values.")
                if type(each) is dict:
                    characters += sum(map(len, each))
                    each = each.values()
                for inner in each:
                    kind = type(inner)
                    if kind is str:
                        characters += len(inner)
                    elif (kind is dict or kind is list) and inner:
                        below.append(inner)
            level = below
        self.values += values
        return characters // _CHARACTERS_OF_A_UNIT + values // _VALUES_OF_A_UNIT


def cost_of_literal(node: ValueNode, shape: Shape, depth: int = 0) -> tuple[int, list[Given]]:
    """The same of a value in the text of a document: what it costs, and the variables in it, once for each use."""
    if isinstance(node, VariableNode):
        return 0, [Given(node.name.value, shape)]
    if isinstance(node, NullValueNode):
        return 0, []
    if depth > MAX_DEPTH:
        raise too_deep()
    if shape.is_json:
        given: list[Given] = []
        values = _count_json(node, given)
        characters = node.loc.end - node.loc.start if node.loc else 0
        return shape.weight + characters // _CHARACTERS_OF_A_UNIT + values // _VALUES_OF_A_UNIT, given
    if shape.is_list:
        nodes = node.values if isinstance(node, ListValueNode) else (node,)
        check_length(shape, len(nodes))
        below: list[tuple[ValueNode, Shape | None]] = [(each, shape.item) for each in nodes]
        cost = len(nodes) * shape.weight
        if shape.item is not None and shape.item.is_object:
            cost += sum(len(each.fields) for each in nodes if isinstance(each, ObjectValueNode))
    else:
        fields = node.fields if isinstance(node, ObjectValueNode) else ()
        below = [(each.value, shape.fields.get(each.name.value)) for each in fields]
        cost = shape.weight
    found = [cost_of_literal(each, inner, depth + 1) for each, inner in below if inner is not None]
    return cost + sum(each for each, _ in found), [one for _, some in found for one in some]


def _count_json(node: ValueNode, given: list[Given]) -> int:
    """How many values a literal holds; the variables in it are added to `given`. The parser limits its depth."""
    if isinstance(node, VariableNode):
        given.append(Given(node.name.value, ANY_JSON))
        return 1
    if isinstance(node, ObjectValueNode):
        return 1 + sum(_count_json(each.value, given) for each in node.fields)
    if isinstance(node, ListValueNode):
        return 1 + sum(_count_json(each, given) for each in node.values)
    return 1


def to_python(node: ValueNode | None) -> Any:
    """A literal without variables as the JSON that a variable would have been."""
    return None if node is None else value_from_ast_untyped(node)


def check_length(shape: Shape, length: int) -> None:
    if length > shape.most:
        message = f"{shape.name} takes at most {quantity(shape.most, 'item')}, not {length}."
        raise GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})


def too_deep() -> GraphQLError:
    message = f"Arguments and variables nest at most {MAX_DEPTH} levels."
    return GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})


def exceeded(message: str, node: Any = None) -> GraphQLError:
    return GraphQLError(message, nodes=node, extensions={"code": "COST_EXCEEDED"})
