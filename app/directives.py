"""The directives of cost, size and public access, which the schema declares and the engine enforces.

The names are those of the GraphQL Cost Directives Specification.
"""

from typing import Any, TypeVar

import strawberry
from graphql import GraphQLField
from strawberry.schema_directive import Location

T = TypeVar("T")

# A mutation reads, decides and commits: what many fields of an answer take.
MUTATION_COST = 50


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.ARGUMENT_DEFINITION, Location.INPUT_FIELD_DEFINITION],
    name="cost",
    description=(
        "What a field costs each time that it is answered, or an argument when it is given; for an argument that is a"
        " list: what each item costs. Without the directive a mutation costs 50 and any other field 1. An item of a"
        " list in an argument costs 1, and 1 more for each field of an object. Any other argument costs nothing. JSON"
        " in an argument costs 2 for each 1,000 characters and 1 for each 50 values."
    ),
)
class CostWeight:
    weight: int


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="listSize",
    description=(
        "How many items a list counts as: as many as the argument `slicingArguments` says or has, else `assumedSize`."
        " `sizedFields` names the fields whose lists have this size. A list may be longer than this number, up to a"
        " limit for the whole answer."
    ),
)
class ListSize:
    assumed_size: int | None = strawberry.UNSET
    slicing_arguments: list[str] | None = strawberry.UNSET
    sized_fields: list[str] | None = strawberry.UNSET


@strawberry.schema_directive(
    locations=[Location.ARGUMENT_DEFINITION, Location.INPUT_FIELD_DEFINITION],
    name="constraint",
    description="How many items the list may have; 100 without the directive.",
)
class Constraint:
    max_items: int


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="public",
    description="Needs no token. A request without a token in which no field is public is refused before it is run.",
)
class Public:
    pass


def is_public(name: str, field: GraphQLField) -> bool:
    """Whether a root field needs no token: what declares it, and questions about the schema."""
    return name.startswith("__") or declared(field, Public) is not None


def declared(definition: Any, directive: type[T]) -> T | None:
    """The directive of that class on a type, a field, an argument or an input field of the GraphQL schema."""
    source = definition.extensions.get("strawberry-definition")
    return next((each for each in getattr(source, "directives", ()) if isinstance(each, directive)), None)
