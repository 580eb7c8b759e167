"""The scalars of the schema that are not GraphQL's own: DateTime and JSON."""

from dataclasses import replace
from datetime import datetime
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.scalars import JSON
from strawberry.schema.types.scalar import DEFAULT_SCALAR_REGISTRY
from strawberry.types.scalar import ScalarDefinition

from app.domain.times import format_time, parse_time

DateTime = NewType("DateTime", datetime)


def _parse_time(value: Any) -> Any:
    # graphql-core shows the message of a GraphQLError to the client, but hides that of a ValueError.
    try:
        return parse_time(value)
    except ValueError as error:
        raise GraphQLError(str(error)) from None


SCALARS: dict[object, ScalarDefinition] = {
    **DEFAULT_SCALAR_REGISTRY,
    DateTime: strawberry.scalar(
        name="DateTime",
        description="A time as RFC 3339 defines it. Output is in UTC with milliseconds: 2026-01-31T12:00:00.000Z. Input"
        " may have any offset, such as 2026-01-31T13:00:00+01:00. Digits after the milliseconds are cut off.",
        serialize=format_time,
        parse_value=_parse_time,
    ),
    # Strawberry's own JSON with a description that shows how to write a literal.
    JSON: replace(
        DEFAULT_SCALAR_REGISTRY[JSON],
        description="Any JSON value: an object, an array, a string, a number, a boolean or null. Send it as a variable,"
        ' or as a GraphQL literal without quotation marks around keys: {address: {city: "Lyon"}}.',
    ),
}
