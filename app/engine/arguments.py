"""How large arguments and variables are, found by their shapes before anything is coerced.

graphql-core coerces all variables before a resolver runs, and Strawberry converts the arguments of every field. Both
take time for each item, so what a caller can make long is counted first, on the JSON as it came.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLError,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    value_from_ast_untyped,
)

from app.domain.quantities import quantity
from app.engine.errors import exceeded
from app.engine.shapes import ANY_JSON, Shape

# Of lists and input objects. How deep JSON may nest is for whoever takes it to say.
MAX_DEPTH = 64
# A body of a megabyte could hold half a million. A document of 64 KB has a few thousand.
MAX_JSON_VALUES = 50_000
_CHARACTERS_OF_A_UNIT, _VALUES_OF_A_UNIT = 500, 50


@dataclass(frozen=True, slots=True)
class Given:
    """A variable that is used where a value of a shape belongs: what it costs there."""

    variable: str
    shape: Shape

    def of(self, variables: Mapping[str, Any]) -> int:
        """GraphQLError where the variable's value is too long or too deep."""
        return cost_of(variables.get(self.variable), self.shape)


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
