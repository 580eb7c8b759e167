"""The schema, put together, and what an engine needs to run it."""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLObjectType, Undefined
from strawberry import Schema
from strawberry.schema.config import StrawberryConfig

from app.domain.principals import Principal, Source
from app.domain.rates import Rate, RateCounter
from app.domain.selections import SelectionTree
from app.schema.authorized import ROW_TYPES, describe_rules, resolve
from app.schema.context import Context, RunningOperation, Services
from app.schema.errors import describe_error
from app.schema.mutation import Mutation
from app.schema.payloads import InputError, VersionConflictError
from app.schema.queries.callers import OWN_PATHS
from app.schema.query import Query
from app.schema.scalars import SCALARS
from app.schema.types.connections import AuthConnectionObject
from app.schema.types.logs import LogEventObject
from app.schema.types.roles import RoleObject


class ProfileSchema:
    """The GraphQL schema with the services that answer it, for an engine."""

    row_types = frozenset(ROW_TYPES)
    own_paths = OWN_PATHS

    def __init__(self, services: Services, anonymous_rates: RateCounter | None = None) -> None:
        """`anonymous_rates` counts what needs no token."""
        self.graphql = build_schema()._schema
        self._services = services
        self._anonymous_rates = anonymous_rates

    def new_context(
        self, run: RunningOperation, source: Source, client_network: str | None, rate: Rate | None
    ) -> Context:
        return Context(
            self._services,
            run,
            rate=rate,
            source=source,
            client_network=client_network,
            anonymous_rates=self._anonymous_rates,
        )

    async def identify(
        self, context: Context, principal: Principal, selection: SelectionTree, is_mutation: bool
    ) -> None:
        if is_mutation:
            context.principal = await self._services.callers.identify_writer(principal)
            return
        context.principal, context.viewer = await self._services.callers.identify(principal, selection)

    def describe_error(self, error: BaseException) -> tuple[str, Mapping[str, Any]] | None:
        return describe_error(error)


def build_schema() -> Schema:
    schema = Schema(
        query=Query,
        mutation=Mutation,
        types=[AuthConnectionObject, InputError, LogEventObject, RoleObject, VersionConflictError],
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
