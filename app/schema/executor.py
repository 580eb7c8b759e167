"""How fields of rows are answered: a leaf without the ceremony that only a resolver needs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from graphql import GraphQLNonNull, GraphQLObjectType, GraphQLSchema, Undefined, is_leaf_type
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.field import StrawberryField

from app.domain.rows import Row
from app.schema.authorized import ROW_TYPES
from app.schema.context import RootField


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A scalar or enum of a row: its attribute, and how its value is written."""

    name: str
    coerce: Callable[[Any], Any]
    is_nullable: bool


class RowExecutor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's, but for the leaves of rows: no path, no info, no completion is made for what can't fail.

    What does fail is done again the long way, which says where it happened: reading a row changes nothing. Root fields
    are timed.
    """

    def execute_field(
        self, parent_type: GraphQLObjectType, source: Any, field_details_list: Any, path: Any, position_context: Any
    ) -> Any:
        leaf = parent_type.extensions.get(field_details_list[0].node.name.value)
        if type(leaf) is _Leaf and type(source) is Row:
            try:
                value = source.read(leaf.name)
                if value is None:
                    if leaf.is_nullable:
                        return None
                else:
                    coerced = leaf.coerce(value)
                    if coerced is not None and coerced is not Undefined:
                        return coerced
            except Exception:  # noqa: BLE001, S110 - told below
                pass
        if path.prev is not None:
            return super().execute_field(parent_type, source, field_details_list, path, position_context)
        name = field_details_list[0].node.name.value
        timed = RootField(path.key, parent_type.name, name, perf_counter())
        self.context_value.root_fields.append(timed)
        value = super().execute_field(parent_type, source, field_details_list, path, position_context)
        timed.ended = perf_counter()
        return _timed(value, timed) if self.is_awaitable(value) else value


async def _timed(value: Awaitable[Any], field: RootField) -> Any:
    try:
        return await value
    finally:
        field.ended = perf_counter()


def read_rows_directly(schema: GraphQLSchema) -> None:
    """Prepares the row types: a leaf is known by its name, any other plain field is one call of the row."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and type_.name in ROW_TYPES:
            for name, field in type_.fields.items():
                definition: StrawberryField = field.extensions["strawberry-definition"]
                if definition.is_basic_field:
                    field.resolve = _reader(definition.python_name)
                    type_.extensions.update(_leaf(name, definition.python_name, field.type))


def _leaf(name: str, python_name: str, type_: Any) -> dict[str, _Leaf]:
    is_nullable = not isinstance(type_, GraphQLNonNull)
    leaf_type = type_ if is_nullable else type_.of_type
    return {name: _Leaf(python_name, leaf_type.coerce_output_value, is_nullable)} if is_leaf_type(leaf_type) else {}


def _reader(name: str) -> Callable[..., Any]:
    def read(row: Any, _: Any) -> Any:
        return row.read(name)

    return read
