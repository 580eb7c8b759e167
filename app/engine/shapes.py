"""Shapes: which parts of an argument can be large or cost something, derived from its type."""

from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
)

from app.directives import Constraint, CostWeight, declared

# The maximum length of a list argument without `@constraint`.
MAX_ITEMS = 100
_JSON = "JSON"

Definition = GraphQLArgument | GraphQLInputField


@dataclass(slots=True, eq=False)
class Shape:
    """The parts of an argument or input field that can be large or cost something.

    `name` is used in error messages. `weight` is the cost of the value, or for a list the cost of each item. A list has
    at most `max_items` items of the shape `item`. `fields` are the fields of an input object that can be large or cost
    something; all other fields are left out.
    """

    name: str
    weight: int = 0
    is_json: bool = False
    is_list: bool = False
    max_items: int = MAX_ITEMS
    item: "Shape | None" = None
    is_object: bool = False
    fields: dict[str, "Shape"] = field(default_factory=dict)

    @property
    def matters(self) -> bool:
        """Whether a value of this shape has a cost or a size limit. Most arguments are plain values without both."""
        return self.is_json or self.is_list or bool(self.weight) or bool(self.fields)


# The shape of a variable inside of a JSON literal.
ANY_JSON = Shape(_JSON, is_json=True)


class Shapes:
    """The shapes of the arguments of a schema. Each shape is made once and reused for all documents."""

    def __init__(self) -> None:
        self._objects: dict[str, Shape] = {}
        self._making: set[str] = set()
        self._arguments: dict[int, tuple[Definition, Shape | None]] = {}

    def of(self, name: str, definition: Definition) -> Shape | None:
        """Returns the shape of an argument or input field.

        Returns None when nothing in it can be large or cost something.
        """
        known = self._arguments.get(id(definition))
        if known is None:
            # The definition is stored beside its shape: while it lives, Python cannot reuse its id for another object.
            known = self._arguments[id(definition)] = definition, self._make(name, definition)
        return known[1]

    def _make(self, name: str, definition: Definition) -> Shape | None:
        weight, constraint = declared(definition, CostWeight), declared(definition, Constraint)
        found = self._of_type(name, definition.type)
        if found.is_list:
            found.weight = 1 if weight is None else weight.weight
            found.max_items = MAX_ITEMS if constraint is None else constraint.max_items
        elif weight is not None:
            # All uses of an input type share one shape. An argument with a weight of its own therefore gets a copy.
            found = Shape(
                name, weight.weight, is_json=found.is_json, is_object=found.is_object, fields=dict(found.fields)
            )
        # An input type can contain itself. Its shape has no fields yet when the inner use is read, so `matters` is
        # still false. The inner use must be counted all the same.
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
