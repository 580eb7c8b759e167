"""The ASGI application: its paths, each a plain ASGI callable."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from app.auth.development import is_loopback
from app.auth.tokens import Tokens
from app.domain.errors import Unauthenticated
from app.domain.principals import Principal
from app.schema.errors import request_error
from app.schema.execution import Engine
from app.web.requests import JSON, BadRequest, bearer_token, read_request, response_type
from app.web.responses import respond, to_challenge, to_refusal, to_response

MAX_USER_AGENT = 512

# None where the service is ready, else why it is not.
Readiness = Callable[[], Awaitable[str | None]]


class GraphQL:
    """`/graphql`."""

    def __init__(self, engine: Engine, tokens: Tokens) -> None:
        self._engine = engine
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(scope, receive)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        headers, media_type = Headers(scope=scope), JSON
        try:
            media_type = response_type(headers)
            request = await read_request(scope, receive, headers)
            principal = self._principal(scope, headers)
        except BadRequest as error:
            return to_refusal(error, media_type)
        except Unauthenticated as error:
            return to_challenge(error, media_type)
        return to_response(await self._engine.execute(request, principal), media_type)

    def _principal(self, scope: Scope, headers: Headers) -> Principal | None:
        token = bearer_token(headers)
        if token is None:
            return None
        user_agent = headers.get("user-agent", "")[:MAX_USER_AGENT] or None
        client = scope.get("client")
        return replace(self._tokens.verify(token), ip=client[0] if client else None, user_agent=user_agent)


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


def build_application(
    engine: Engine, tokens: Tokens, readiness: Readiness, lifespan: Lifespan[Starlette], development: bool
) -> ASGIApp:
    async def healthz(request: Request) -> Response:
        return respond({"status": "ok"})

    async def readyz(request: Request) -> Response:
        problem = await readiness()
        return respond({"status": "ok"}) if problem is None else respond({"status": problem}, 503, retry_after="1")

    routes = [
        Route("/graphql", GraphQL(engine, tokens)),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
    ]
    application = Starlette(routes=routes, lifespan=lifespan)
    return LoopbackOnly(application) if development else application
