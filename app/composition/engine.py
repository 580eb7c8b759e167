"""Builds the engine that runs GraphQL operations, with its schema, limits, rate limits and trusted documents."""

from graphql import GraphQLError

from app.composition.defaults import is_introspection_on
from app.composition.rates import build_caller_rates
from app.composition.trusted_documents import build_trust
from app.engine.execution import Engine
from app.engine.limits import Limits
from app.schema.build import ProfileSchema
from app.schema.context import Services
from app.settings import ConfigurationError, Settings
from app.store.database import Database, time_limit
from app.store.rates import Rates


def build_engine(
    settings: Settings, database: Database, development: bool, services: Services, anonymous_rates: Rates
) -> Engine:
    """Raises ConfigurationError when a trusted document cannot run, for example because a field is unknown."""
    schema, trust = ProfileSchema(services, anonymous_rates), build_trust(settings)
    # The engine counts callers, and not the web layer: the cost of an operation is known only after it was parsed.
    rates = build_caller_rates(settings, database, development)
    introspection = is_introspection_on(settings, development)
    try:
        return Engine(schema, build_limits(settings), rates, trust, introspection, time_limit)
    except GraphQLError as error:
        raise ConfigurationError(f"PROFILE_API_TRUSTED_DOCUMENTS_DIR: a document cannot run: {error}") from None


def build_limits(settings: Settings) -> Limits:
    return Limits(
        body=settings.max_body_bytes,
        tokens=settings.max_tokens,
        depth=settings.max_depth,
        aliases=settings.max_aliases,
        directives=settings.max_directives,
        root_fields=settings.max_root_fields,
        cost=settings.max_cost,
        seconds=settings.time_limit_seconds,
    )
