"""Builds the web application: /graphql, the pages, and the parts that exist only in development."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from starlette.types import ASGIApp

from app.auth.development import APPLICATION_SCOPES, USER_SCOPES, mint
from app.composition.defaults import is_graphiql_on
from app.composition.rates import build_ip_rates
from app.engine.execution import Engine
from app.jobs.demo.seed import demo_callers
from app.lifespan import ServiceLifespan
from app.services.passwords import Passwords
from app.services.tickets import Tickets
from app.settings import Settings
from app.store.rates import Rates
from app.web.application import Components, build_application
from app.web.client_ips import ClientIPs
from app.web.development_tokens import DevelopmentTokenEndpoint
from app.web.graphql import GraphQL
from app.web.home import list_paths
from app.web.load import Load
from app.web.metrics import MetricsPage
from app.web.pages import GraphiQL
from app.web.tickets import TicketPage
from app.web.traces import traces_from_environment

# A working day, because the page requests a token only when a caller is selected.
_PAGE_TOKEN_SECONDS = 8 * 3600


def build_web(
    lifespan: ServiceLifespan, engine: Engine, tickets: Tickets, passwords: Passwords, anonymous_rates: Rates
) -> ASGIApp:
    settings, development = lifespan.settings, lifespan.development
    client_ips = ClientIPs(settings.trusted_proxies)
    # Only users of the demo data are offered, so that no page issues tokens for users in a real database.
    callers = list(demo_callers()) if development and lifespan.demo else []
    token = settings.metrics_token.get_secret_value() if settings.metrics_token else None
    return build_application(
        Components(
            build_graphql(lifespan, engine, client_ips),
            lifespan.metrics,
            MetricsPage(lifespan.metrics, token),
            lifespan.is_prepared,
            lifespan.problem,
            lifespan.lifespan,
            TicketPage(tickets, client_ips, anonymous_rates, passwords.min_length),
            build_graphiql(settings, development, callers),
            DevelopmentTokenEndpoint(callers, partial(mint_for_page, settings.data_dir)) if callers else None,
            settings.cors_origins,
            development,
        )
    )


def build_graphql(lifespan: ServiceLifespan, engine: Engine, client_ips: ClientIPs) -> GraphQL:
    settings = lifespan.settings
    return GraphQL(
        engine,
        lifespan.tokens,
        client_ips,
        build_ip_rates(settings, lifespan.database, lifespan.development),
        lifespan.metrics,
        traces_from_environment(),
        settings.max_body_bytes,
        lifespan.is_prepared,
        Load(settings.max_concurrent_operations, settings.max_body_bytes),
    )


def build_graphiql(settings: Settings, development: bool, callers: Sequence[Mapping[str, str]]) -> GraphiQL | None:
    if not is_graphiql_on(settings, development):
        return None
    return GraphiQL(development, callers, list_paths(True, bool(callers)))


def mint_for_page(data_dir: Path, subject: str) -> str:
    """Returns a token for GraphiQL in development. It has every scope that a user or an application can have."""
    is_application = subject.endswith("@clients")
    client = subject.removesuffix("@clients") if is_application else "graphiql"
    scopes = APPLICATION_SCOPES if is_application else USER_SCOPES
    return mint(data_dir, subject, client, scopes, _PAGE_TOKEN_SECONDS)
