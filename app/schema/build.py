"""The schema, put together."""

from typing import Any

from graphql import GraphQLInputObjectType, GraphQLObjectType, Undefined
from strawberry import Schema
from strawberry.schema.config import StrawberryConfig

from app.schema.authorized import describe_rules, resolve
from app.schema.mutation import Mutation
from app.schema.payloads import InputError, VersionConflictError
from app.schema.query import Query
from app.schema.scalars import SCALARS
from app.schema.types.connections import AuthConnection
from app.schema.types.logs import LogEvent
from app.schema.types.roles import Role


def build_schema() -> Schema:
    schema = Schema(
        query=Query,
        mutation=Mutation,
        types=[AuthConnection, InputError, LogEvent, Role, VersionConflictError],
        config=StrawberryConfig(default_resolver=resolve, scalar_map=SCALARS),
    )
    _leave_out_null_defaults(schema)
    describe_rules(schema._schema)
    return schema


def _leave_out_null_defaults(schema: Schema) -> None:
    """An argument that may be left out is printed without `= null`, which would say that null means the same."""
    for type_ in schema._schema.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            arguments: list[Any] = list(type_.fields.values())
        elif isinstance(type_, GraphQLObjectType):
            arguments = [each for field in type_.fields.values() for each in field.args.values()]
        else:
            continue
        for each in arguments:
            if each.default_value is None:
                each.default_value = Undefined
