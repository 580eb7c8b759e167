"""Builds the GraphQL schema, and offers it to the engine with the services that answer it."""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLDirective, GraphQLInputObjectType, GraphQLObjectType, Undefined
from strawberry import Schema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema_directives import OneOf

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


class ProfileSchema:
    """The GraphQL schema with the services that answer it. Implements `ExecutableSchema` of the engine."""

    row_types = frozenset(ROW_TYPES)
    own_paths = OWN_PATHS

    def __init__(self, services: Services, anonymous_rates: RateCounter | None = None) -> None:
        """`anonymous_rates` limits sign-ups and tickets, which need no token, for each client network."""
        self.graphql = build_schema()._schema
        self._services = services
        self._anonymous_rates = anonymous_rates

    # The following methods implement ExecutableSchema, which documents them.

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
            # A mutation gets the whole profile: a write of the caller's own profile then needs no second read.
            context.principal = await self._services.callers.identify_writer(principal)
            return
        context.principal, context.viewer = await self._services.callers.identify(principal, selection)

    def describe_error(self, error: BaseException) -> tuple[str, Mapping[str, Any]] | None:
        return describe_error(error)


def build_schema() -> Schema:
    """Builds Strawberry's schema, with all descriptions. It needs no services, so that it can also be printed."""
    schema = Schema(
        query=Query,
        mutation=Mutation,
        # Fields return these types only by their interface, so that Strawberry would not find them.
        types=[InputError, VersionConflictError],
        config=StrawberryConfig(default_resolver=resolve, scalar_map=SCALARS),
    )
    _remove_null_defaults(schema)
    _describe_directives(schema)
    describe_rules(schema._schema)
    return schema


def _describe_directives(schema: Schema) -> None:
    """Adds the descriptions of directive arguments, which Strawberry does not copy, and of `@oneOf`, which has none."""
    declarations: Mapping[Any, GraphQLDirective] = schema._schema_graphql_directives
    for declaration, directive in declarations.items():
        if declaration is OneOf:
            directive.description = "Exactly one field of the input must be given, and its value must not be null."
        for each in declaration.__strawberry_directive__.fields:
            argument = directive.args.get(schema.config.name_converter.get_graphql_name(each))
            if argument is not None:
                argument.description = each.description


def _remove_null_defaults(schema: Schema) -> None:
    """Removes `= null` from optional arguments and input fields.

    Strawberry prints Python's default None in this way. A reader would conclude that null and a missing value mean the
    same, but for many fields null clears a value and a missing field keeps it.
    """
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
