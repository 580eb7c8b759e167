"""The ASGI application: its paths, each a plain ASGI callable, and what every answer carries."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from app.auth.development import is_loopback
from app.schema.errors import request_error
from app.web.development import TokenOffice
from app.web.graphql import GraphQL
from app.web.metrics import MetricsPage
from app.web.pages import Bundles, GraphiQL
from app.web.requests import wants_page
from app.web.responses import respond

# None where the service is ready, else why it is not.
Readiness = Callable[[], Awaitable[str | None]]

_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_CORS_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is put together from. None: not offered."""

    graphql: GraphQL
    metrics: MetricsPage
    readiness: Readiness
    lifespan: Lifespan[Starlette]
    graphiql: GraphiQL | None = None
    token_office: TokenOffice | None = None
    cors_origins: Sequence[str] = ()
    development: bool = False


class SecureHeaders:
    """On every answer, where it has none of that name itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                names = {name for name, _ in headers}
                message["headers"] = [*headers, *(each for each in _HEADERS if each[0] not in names)]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class LoopbackOnly:
    """Development is for this machine: a page elsewhere that has its name point here is turned away (DNS rebinding)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            host = urlsplit("//" + Headers(scope=scope).get("host", "")).hostname or ""
            if not is_loopback(host):
                content = {"errors": [request_error("BAD_REQUEST", "In development only loopback hosts are served.")]}
                await respond(content, 421)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class PageOrAPI:
    """`/graphql`: GraphiQL for a browser's address bar, the API for all else."""

    def __init__(self, page: GraphiQL, api: GraphQL) -> None:
        self._page = page
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if wants_page(scope, Headers(scope=scope)):
            await self._page.response()(scope, receive, send)
        else:
            await self._api(scope, receive, send)


def build_application(parts: Parts) -> ASGIApp:
    async def healthz(request: Request) -> Response:
        return respond({"status": "ok"})

    async def readyz(request: Request) -> Response:
        problem = await parts.readiness()
        return respond({"status": "ok"}) if problem is None else respond({"status": problem}, 503, retry_after="1")

    graphql: Any = parts.graphql if parts.graphiql is None else PageOrAPI(parts.graphiql, parts.graphql)
    routes: list[BaseRoute] = [
        Route("/graphql", graphql),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", parts.metrics),
    ]
    if parts.graphiql is not None:
        routes.append(Mount("/static", Bundles()))
    if parts.token_office is not None:
        routes.append(Route("/development/token", parts.token_office.answer, methods=["POST"]))
    application: ASGIApp = Starlette(routes=routes, lifespan=parts.lifespan)
    if parts.cors_origins:
        application = CORSMiddleware(
            application,
            allow_origins=parts.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", "x-request-id", "traceparent", "tracestate"],
            expose_headers=["ratelimit", "ratelimit-policy", "retry-after", "www-authenticate", "x-request-id"],
            max_age=_CORS_SECONDS,
        )
    application = SecureHeaders(application)
    return LoopbackOnly(application) if parts.development else application
