"""Variables: text that could not be stored is refused before anything runs."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    is_list_type,
    is_scalar_type,
    type_from_ast,
)
from graphql.type import get_nullable_type

from app.domain.metadata import is_well_formed

_TEXT = frozenset({"String", "ID"})


def check_text(schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> None:
    """GraphQLError for a lone surrogate, which JSON's escapes can write and UTF-8 cannot hold.

    JSON values are left to whoever takes them: the error of a mutation says where in the document it is.
    """
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        path = _malformed(type_from_ast(schema, definition.type), variables.get(name), f"${name}")
        if path is not None:
            raise GraphQLError(f"Variable {path} is no Unicode text: it holds a lone surrogate.", definition)


def _malformed(type_: Any, value: Any, path: str) -> str | None:
    """The path to the first malformed text of this input type; None when there is none."""
    type_ = get_nullable_type(type_)
    if isinstance(value, str):
        is_text = is_scalar_type(named := get_named_type(type_)) and named.name in _TEXT
        return path if is_text and not (value.isascii() or is_well_formed(value)) else None
    if isinstance(value, list) and is_list_type(type_):
        below = ((type_.of_type, each, f"{path}.{index}") for index, each in enumerate(value))
    elif isinstance(value, Mapping) and isinstance(type_, GraphQLInputObjectType):
        fields = type_.fields
        below = ((fields[name].type, each, f"{path}.{name}") for name, each in value.items() if name in fields)
    else:
        return None
    return next((found for each in below if (found := _malformed(*each)) is not None), None)
