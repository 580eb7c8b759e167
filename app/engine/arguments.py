"""The cost of arguments and variables, calculated from the raw JSON before any value is coerced.

graphql-core coerces all variables before a resolver runs, and Strawberry converts the arguments of every field. Both
take time for each item, so that everything that a caller can make long is counted first.
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

# Levels of lists and input objects. Values of the scalar JSON have limits of their own, in the mutations that take
# them.
MAX_DEPTH = 64
# A request body of 1 MB could contain 500,000 values. A metadata document of 64 KB has a few thousand.
MAX_JSON_VALUES = 50_000
# So many characters, and so many values, of JSON cost 1.
_CHARACTERS_PER_COST, _VALUES_PER_COST = 500, 50


@dataclass(frozen=True, slots=True)
class VariableUse:
    """One use of a variable in an argument. Its cost depends on the value of the variable and on the shape there."""

    variable: str
    shape: Shape

    def of(self, variables: Mapping[str, Any]) -> int:
        """Returns the cost. Raises GraphQLError when the value is too long or too deep."""
        return cost_of(variables.get(self.variable), self.shape)


def cost_of(value: Any, shape: Shape) -> int:
    """Returns the cost of a raw value of this shape. Raises GraphQLError when it is too long or too deep."""
    return _Counter().cost(value, shape, 0)


class _Counter:
    """Counts one raw value. `json_values` is the number of JSON values that it contains, in all places together."""

    def __init__(self) -> None:
        self.json_values = 0

    def cost(self, value: Any, shape: Shape, depth: int) -> int:
        if value is None:
            return 0
        if depth > MAX_DEPTH:
            raise too_deep()
        if shape.is_json:
            return shape.weight + self._json(value)
        if shape.is_list:
            # GraphQL accepts a single value in the place of a list with one item.
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
            # Strawberry converts each item to a Python object, field by field.
            cost += sum(len(each) for each in items if isinstance(each, dict))
        return cost + sum(self.cost(each, item, depth + 1) for each in items)

    def _json(self, value: Any) -> int:
        """Counts a JSON value level by level. Recursion would fail for deeply nested values."""
        level: list[Any] = [[value]]
        characters, values = 0, 0
        while level:
            below = []
            for each in level:
                values += len(each)
                if self.json_values + values > MAX_JSON_VALUES:
                    raise exceeded(f"JSON in arguments can contain at most {MAX_JSON_VALUES:,} values.")
                if type(each) is dict:
                    characters += sum(map(len, each))
                for inner in each.values() if type(each) is dict else each:
                    kind = type(inner)
                    if kind is str:
                        characters += len(inner)
                    elif (kind is dict or kind is list) and inner:
                        below.append(inner)
            level = below
        self.json_values += values
        return characters // _CHARACTERS_PER_COST + values // _VALUES_PER_COST


def cost_of_literal(node: ValueNode, shape: Shape, depth: int = 0) -> tuple[int, list[VariableUse]]:
    """Returns the cost of a literal in a document without its variables, and each use of a variable in it.

    Raises GraphQLError when the literal is too long or too deep.
    """
    if isinstance(node, VariableNode):
        return 0, [VariableUse(node.name.value, shape)]
    if isinstance(node, NullValueNode):
        return 0, []
    if depth > MAX_DEPTH:
        raise too_deep()
    if shape.is_json:
        uses: list[VariableUse] = []
        values = _count_json(node, uses)
        characters = node.loc.end - node.loc.start if node.loc else 0
        return shape.weight + characters // _CHARACTERS_PER_COST + values // _VALUES_PER_COST, uses
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


def _count_json(node: ValueNode, uses: list[VariableUse]) -> int:
    """Returns the number of JSON values in a literal, and adds the variables in it to `uses`."""
    # Recursion is safe here: the parser has refused documents that are nested too deep.
    if isinstance(node, VariableNode):
        uses.append(VariableUse(node.name.value, ANY_JSON))
        return 1
    if isinstance(node, ObjectValueNode):
        return 1 + sum(_count_json(each.value, uses) for each in node.fields)
    if isinstance(node, ListValueNode):
        return 1 + sum(_count_json(each, uses) for each in node.values)
    return 1


def to_python(node: ValueNode | None) -> Any:
    """Returns the Python value of a literal without variables, as if a variable had sent it. None without a literal."""
    return None if node is None else value_from_ast_untyped(node)


def check_length(shape: Shape, length: int) -> None:
    """Raises GraphQLError for a list that is longer than `@constraint` allows."""
    if length > shape.max_items:
        message = f"{shape.name} can have at most {quantity(shape.max_items, 'item')}, not {length}."
        raise GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})


def too_deep() -> GraphQLError:
    """Returns the error for arguments that are nested too deep."""
    message = f"Arguments and variables can have at most {MAX_DEPTH} levels."
    return GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})
