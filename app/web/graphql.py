"""`/graphql`: authentication, the rate limit of IP addresses, execution, log line and metrics of each request."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter

from starlette.types import Receive, Scope, Send

from app.auth.tokens import Tokens
from app.domain.errors import RateLimited, Unauthenticated, Unavailable
from app.domain.principals import Principal, Source
from app.domain.rates import Rate
from app.engine.execution import Engine
from app.engine.requests import OperationResult
from app.store.rates import Rates
from app.web.client_ips import ClientIPs, to_client_network
from app.web.load import Load, Share
from app.web.logs import MAX_NAME, REQUEST_ID, read_request_id, requests
from app.web.metrics import Metrics
from app.web.requests import BadRequest, Headers, bearer_token, error_type, read_headers, read_request, response_type
from app.web.responses import (
    Reply,
    rate_headers,
    to_challenge,
    to_rate_limited,
    to_refusal,
    to_response,
    to_unavailable,
)
from app.web.traces import Traces

MAX_USER_AGENT = 512
NOT_PREPARED = "The service is starting and has not prepared its database yet. Send the request again."


@dataclass(slots=True)
class Exchange:
    """A request and its outcome. `refused` is the error code if no operation ran.

    `rate` is the rate limit for the headers of the answer: that of the caller if it was counted, else that of the IP
    address.
    """

    id: str
    ip: str | None = None
    principal: Principal | None = None
    answer: OperationResult | None = None
    refused: str | None = None
    rate: Rate | None = None


class GraphQL:
    """The ASGI application of `/graphql`. `ip_rates` counts each request towards the limit of the client's network."""

    def __init__(
        self,
        engine: Engine,
        tokens: Tokens,
        client_ips: ClientIPs,
        ip_rates: Rates,
        metrics: Metrics,
        traces: Traces | None,
        max_bytes: int,
        is_prepared: Callable[[], bool],
        load: Load,
    ) -> None:
        self._engine = engine
        self._tokens = tokens
        self._client_ips = client_ips
        self._ip_rates = ip_rates
        self._metrics = metrics
        self._traces = traces
        self._max_bytes = max_bytes
        self._is_prepared = is_prepared
        self._load = load

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, headers = perf_counter(), read_headers(scope)
        exchange = Exchange(read_request_id(headers))
        REQUEST_ID.set(exchange.id)
        with self._load.request() as share:
            if self._traces is None:
                reply = await self._answer(exchange, scope, receive, headers, share)
            else:
                with self._traces.span(headers) as span:
                    reply = await self._answer(exchange, scope, receive, headers, share)
                    span.record(exchange.answer, reply.status)
        # A refusal has this header too, so that a client can always name the request to the operator.
        reply.headers.insert(0, (b"x-request-id", exchange.id.encode()))
        self._record(exchange, reply.status, perf_counter() - began)
        await reply(scope, receive, send)

    async def _answer(
        self, exchange: Exchange, scope: Scope, receive: Receive, headers: Headers, share: Share
    ) -> Reply:
        media_type = error_type(headers)
        try:
            exchange.ip = self._client_ips.find(scope, headers)
            # This check comes first: until the database is prepared, the service does not know whether it may accept
            # tokens of the development issuer.
            if not self._is_prepared():
                raise Unavailable(NOT_PREPARED)
            # The request is counted before its token is verified, because verifying a signature takes CPU time.
            exchange.rate = await self._ip_rates.hit(to_client_network(exchange.ip))
            exchange.principal = await self._authenticate(headers, exchange.ip)
            response_type(headers)
            request = await read_request(scope, receive, headers, self._max_bytes, share.add_bytes)
            share.start_operation()
        except BadRequest as error:
            reply = await self._refuse(exchange, error, media_type)
        except Unauthenticated as error:
            exchange.refused, reply = "UNAUTHENTICATED", to_challenge(error, media_type)
        except Unavailable as error:
            exchange.refused, reply = "UNAVAILABLE", to_unavailable(error.message, media_type)
        except RateLimited as error:
            reply = _to_rate_limited(exchange, error, media_type)
        else:
            source = Source(exchange.ip, headers.get("user-agent", "")[:MAX_USER_AGENT] or None)
            request = replace(request, client_network=to_client_network(exchange.ip), source=source)
            exchange.answer = await self._engine.execute(request, exchange.principal)
            exchange.rate = exchange.answer.rate or exchange.rate
            reply = to_response(exchange.answer, media_type)
        if exchange.rate is not None:
            reply.headers[:0] = rate_headers(exchange.rate)
        return reply

    async def _refuse(self, exchange: Exchange, error: BadRequest, media_type: str) -> Reply:
        """Counts a request that is not a GraphQL request, because reading it takes time too."""
        exchange.refused = "BAD_REQUEST"
        try:
            answer = await self._engine.refuse(OperationResult([]), to_client_network(exchange.ip), exchange.principal)
        except RateLimited as limited:
            return _to_rate_limited(exchange, limited, media_type)
        exchange.rate = answer.rate or exchange.rate
        return to_refusal(error, media_type)

    async def _authenticate(self, headers: Headers, ip: str | None) -> Principal | None:
        token = bearer_token(headers)
        if token is None:
            return None
        user_agent = headers.get("user-agent", "")[:MAX_USER_AGENT] or None
        return await self._tokens.verify(token, ip, user_agent)

    def _record(self, exchange: Exchange, status: int, seconds: float) -> None:
        answer, principal = exchange.answer, exchange.principal
        self._metrics.observe(answer, exchange.refused, status, seconds)
        operation = answer.operation if answer else None
        codes = [exchange.refused] if exchange.refused else sorted(answer.codes()) if answer and answer.errors else None
        requests.write(
            {
                "request_id": exchange.id,
                "operation": operation.name[:MAX_NAME] if operation and operation.name else None,
                "type": operation.type.value if operation else None,
                "caller": principal.subject if principal else None,
                "tenant": principal.tenant if principal else None,
                "cost": answer.cost if answer else None,
                "status": status,
                "codes": codes,
                "ms": round(seconds * 1e3, 2),
            }
        )


def _to_rate_limited(exchange: Exchange, error: RateLimited, media_type: str) -> Reply:
    exchange.refused, exchange.rate = "RATE_LIMITED", error.rate
    return to_rate_limited(error, media_type)
