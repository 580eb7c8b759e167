"""Refuses variables with text that cannot be stored, before anything runs."""

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
    """Raises GraphQLError for a variable with a lone surrogate: JSON escapes can express it, but UTF-8 cannot.

    Values of the scalar JSON are not checked here: the mutation that takes them reports the place in the document.
    """
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        path = _malformed_path(type_from_ast(schema, definition.type), variables.get(name), f"${name}")
        if path is not None:
            raise GraphQLError(f"Variable {path} is not valid Unicode: it contains a lone surrogate.", definition)


def _malformed_path(type_: Any, value: Any, path: str) -> str | None:
    """Returns the path to the first text of this input type with a lone surrogate, or None."""
    type_ = get_nullable_type(type_)
    if isinstance(value, str):
        # Nearly all text is ASCII, which needs no closer look.
        is_text = is_scalar_type(named := get_named_type(type_)) and named.name in _TEXT
        return path if is_text and not (value.isascii() or is_well_formed(value)) else None
    if isinstance(value, list) and is_list_type(type_):
        below = ((type_.of_type, each, f"{path}.{index}") for index, each in enumerate(value))
    elif isinstance(value, Mapping) and isinstance(type_, GraphQLInputObjectType):
        fields = type_.fields
        below = ((fields[name].type, each, f"{path}.{name}") for name, each in value.items() if name in fields)
    else:
        return None
    return next((found for each in below if (found := _malformed_path(*each)) is not None), None)
