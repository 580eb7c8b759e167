"""The GraphQL schema of the service, and the fields of its types."""

from graphql import GraphQLField, GraphQLObjectType

from app.schema.build import build_schema

SCHEMA = build_schema()._schema


def fields_of(type_name: str) -> dict[str, GraphQLField]:
    type_ = SCHEMA.type_map[type_name]
    assert isinstance(type_, GraphQLObjectType)
    fields: dict[str, GraphQLField] = type_.fields
    return fields


def object_types() -> list[GraphQLObjectType]:
    """Returns all object types except those of introspection."""
    return [
        type_ for name, type_ in SCHEMA.type_map.items() if isinstance(type_, GraphQLObjectType) and name[:2] != "__"
    ]
