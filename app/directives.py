"""The schema directives of cost, list size and public access, and the default cost of a mutation.

The schema declares the directives, and the engine enforces them. `@cost` and `@listSize` have the names and the meaning
of the GraphQL Cost Directives Specification.
"""

from typing import Any, TypeVar

import strawberry
from graphql import GraphQLField
from strawberry.schema_directive import Location

T = TypeVar("T")

# A mutation reads the profile, decides and commits: about the work of 50 fields of an answer.
MUTATION_COST = 50


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.ARGUMENT_DEFINITION, Location.INPUT_FIELD_DEFINITION],
    name="cost",
    description=(
        "The cost of a field, an argument or an input field, if it differs from the rules. The rules: a field costs 1,"
        " and a mutation 50. Each item of a list argument costs 1, and 1 more for each field of an object. JSON in an"
        " argument costs 1 for each 500 characters and 1 for each 50 values. Other arguments cost nothing. An"
        " operation whose total cost is too high (10,000 by default) is refused with COST_EXCEEDED."
    ),
)
class CostWeight:
    weight: int = strawberry.field(
        description="The cost of the field each time it is answered. On a list argument: the cost of each item. On"
        " another argument or input field: the cost when it is given."
    )


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="listSize",
    description=(
        "To calculate the cost of an operation, the service assumes that the list has this number of items. An argument"
        " `first` or `last` replaces this number. The list itself may be longer, up to a limit for the whole answer."
    ),
)
class ListSize:
    assumed_size: int | None = strawberry.field(
        default=strawberry.UNSET, description="The number of items if no argument determines it."
    )
    slicing_arguments: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description='The list argument that determines the number of items: "ids", or "input.updates" in an input.',
    )
    sized_fields: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description='The fields of the returned object to which the size applies, such as "results".',
    )


@strawberry.schema_directive(
    locations=[Location.ARGUMENT_DEFINITION, Location.INPUT_FIELD_DEFINITION],
    name="constraint",
    description="The maximum length of a list argument. A list argument without this directive may have 100 items.",
)
class Constraint:
    # The Cost Directives Specification has no directive for the length of arguments.
    max_items: int = strawberry.field(
        description="The maximum number of items. A longer list is refused with BAD_USER_INPUT."
    )


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="public",
    description="The field can be used without a token. If a request has no token and selects no such field, it is"
    " refused with UNAUTHENTICATED.",
)
class Public:
    pass


def is_public(name: str, field: GraphQLField) -> bool:
    """Whether a root field can be used without a token: a field with `@public`, or an introspection field."""
    return name.startswith("__") or declared(field, Public) is not None


def declared(definition: Any, directive: type[T]) -> T | None:
    """The directive of this class on a type, a field, an argument or an input field. Returns None without one."""
    # graphql-core's definitions have no place for directives: Strawberry keeps the declaration in the extensions.
    source = definition.extensions.get("strawberry-definition")
    return next((each for each in getattr(source, "directives", ()) if isinstance(each, directive)), None)
