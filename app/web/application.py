"""The ASGI application: the routes, CORS, security headers, and the refusal of other machines in development."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from app.domain.hosts import is_loopback
from app.engine.errors import request_error
from app.web.client_ips import is_forwarded, is_loopback_peer
from app.web.development_tokens import DevelopmentTokenEndpoint
from app.web.graphql import NOT_PREPARED, GraphQL
from app.web.home import Home, list_paths
from app.web.manual_pages import ManualPages
from app.web.metrics import Metrics, MetricsPage
from app.web.pages import Bundles, GraphiQL
from app.web.requests import JSON, read_headers, wants_page
from app.web.responses import SECURE_HEADERS, respond, to_unavailable
from app.web.tickets import TicketPage

# Returns None when the service is ready, else the reason why it is not.
Readiness = Callable[[], Awaitable[str | None]]

_BAD_REQUEST = "BAD_REQUEST"
_CORS_SECONDS = 3600
# The request headers that a page of another origin may send: those that this service reads, and those that common
# GraphQL clients add. Without the second group, a browser would block the requests of these clients.
CORS_HEADERS = (
    "apollo-require-preflight",
    "apollographql-client-name",
    "apollographql-client-version",
    "authorization",
    "content-type",
    "graphql-client-name",
    "graphql-client-version",
    "traceparent",
    "tracestate",
    "x-request-id",
)
# The paths that work before the database is prepared. An operator can need the manual at that time.
_OPEN_PATHS = ("/healthz", "/readyz", "/docs")


@dataclass(frozen=True, slots=True)
class Components:
    """The parts that `build_application` needs. A part that is None is not available in this service."""

    graphql: GraphQL
    metrics: Metrics
    metrics_page: MetricsPage
    is_prepared: Callable[[], bool]
    readiness: Readiness
    lifespan: Lifespan[Starlette]
    ticket_page: TicketPage
    graphiql: GraphiQL | None = None
    token_endpoint: DevelopmentTokenEndpoint | None = None
    cors_origins: Sequence[str] = ()
    development: bool = False


class SecureHeaders:
    """Adds SECURE_HEADERS to answers that do not have them, such as those of Starlette."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start" and SECURE_HEADERS[-1] not in message["headers"]:
                names = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(each for each in SECURE_HEADERS if each[0] not in names),
                ]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class LoopbackOnly:
    """Refuses requests from other machines. For development, where everybody who reaches the service can get a token.

    Another name in the Host header can come from a page on the internet whose name resolves to 127.0.0.1 (DNS
    rebinding). A header of a proxy shows that a proxy or tunnel makes the service reachable for other machines.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
            return
        status, message = refusal
        self._metrics.count_refusal(status, 0.0, _BAD_REQUEST)
        await respond({"errors": [request_error(_BAD_REQUEST, message)]}, status)(scope, receive, send)

    @staticmethod
    def _refusal(scope: Scope) -> tuple[int, str] | None:
        hosts = [bytes(value) for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not _is_loopback(hosts[0]):
            return 421, "In development the service answers only for loopback hosts, such as 127.0.0.1 or localhost."
        if not is_loopback_peer(scope):
            return 403, "In development the service answers only clients on the same machine."
        if is_forwarded(name for name, _ in scope["headers"]):
            return (
                403,
                "In development the service refuses requests with a header of a proxy, such as Via.",
            )
        return None


def _is_open(path: str) -> bool:
    return path in _OPEN_PATHS or path.startswith("/docs/")


class Gate:
    """Answers 503 until the database is prepared.

    Before that, the service does not know whether the database accepts tokens of the development issuer. A new path is
    behind the gate unless it is added to _OPEN_PATHS. `/graphql` refuses by itself, because it also logs and counts.
    """

    def __init__(self, app: ASGIApp, graphql: GraphQL, is_prepared: Callable[[], bool]) -> None:
        self._app = app
        self._graphql = graphql
        self._is_prepared = is_prepared

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_prepared() or _is_open(scope["path"]):
            await self._app(scope, receive, send)
        elif scope["path"] == "/graphql":
            await self._graphql(scope, receive, send)
        else:
            await to_unavailable(NOT_PREPARED, JSON)(scope, receive, send)


@lru_cache(maxsize=256)
def _is_loopback(host: bytes) -> bool:
    """Returns whether a Host header names this machine.

    The header has a name or an IP address, and optionally a port.
    """
    try:
        return is_loopback(urlsplit(f"//{host.decode('latin-1')}").hostname or "")
    except ValueError:
        return False


class PageOrAPI:
    """Answers `/graphql`: with GraphiQL if a browser opens the URL, otherwise with the API."""

    def __init__(self, page: GraphiQL, api: GraphQL) -> None:
        self._page = page
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET" and wants_page(read_headers(scope)):
            await self._page.response()(scope, receive, send)
        else:
            await self._api(scope, receive, send)


def build_application(components: Components) -> ASGIApp:
    """Returns the ASGI application with all routes and middleware."""

    async def healthz(request: Request) -> Any:
        return respond({"status": "ok"})

    async def readyz(request: Request) -> Any:
        problem = await components.readiness()
        if problem is None:
            return respond({"status": "ok"})
        return respond({"status": problem}, 503, headers={"retry-after": "1"})

    graphql: Any = (
        components.graphql if components.graphiql is None else PageOrAPI(components.graphiql, components.graphql)
    )
    paths = list_paths(components.graphiql is not None, components.token_endpoint is not None)
    manual = ManualPages()
    routes: list[BaseRoute] = [
        Route("/", Home(paths, components.graphiql is not None).answer),
        Route("/graphql", graphql),
        Route("/docs", manual.answer),
        Route("/docs/{name}", manual.answer),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", components.metrics_page),
        Route("/ticket", components.ticket_page.answer, methods=["GET", "POST"]),
    ]
    if components.graphiql is not None:
        routes.append(Mount("/static", Bundles()))
    if components.token_endpoint is not None:
        routes.append(Route("/development/token", components.token_endpoint.answer, methods=["POST"]))
    # Each line wraps the one before. CORS is outside of the gate, so that a page can also read the error of the gate,
    # and the refusal of other machines is outermost: nothing runs for them.
    application: ASGIApp = Starlette(routes=routes, lifespan=components.lifespan)
    application = Gate(application, components.graphql, components.is_prepared)
    if components.cors_origins:
        application = CORSMiddleware(
            application,
            allow_origins=components.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=CORS_HEADERS,
            expose_headers=["ratelimit", "ratelimit-policy", "retry-after", "www-authenticate", "x-request-id"],
            max_age=_CORS_SECONDS,
        )
    application = SecureHeaders(application)
    return LoopbackOnly(application, components.metrics) if components.development else application
