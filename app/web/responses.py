"""Status codes, media types and headers of answers and refusals, as GraphQL over HTTP defines them."""

import json
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from app.domain.errors import RateLimited, Unauthenticated
from app.domain.rates import Rate
from app.engine.errors import request_error
from app.engine.requests import OperationResult
from app.web.requests import GRAPHQL_RESPONSE, JSON, BadRequest

REALM = 'Bearer realm="profile-api"'
# The status of a request that was not executed. For all other codes the status is 400, or 200 for application/json.
_STATUS = {
    "RATE_LIMITED": 429,
    "USER_BLOCKED": 403,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "TIMEOUT": 503,
}


def encode(content: Any) -> bytes:
    """Returns JSON in UTF-8. Values that orjson cannot encode, such as lone surrogates, are escaped."""
    try:
        return orjson.dumps(content)
    except TypeError:
        return json.dumps(content, separators=(",", ":")).encode()


# Every answer has these headers, unless it sets a header of the same name itself.
SECURE_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


class Reply:
    """An answer, as an ASGI application. It is much faster than the Response of Starlette."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes, content_type: str, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.body = body
        self.headers = [
            (b"content-type", content_type.encode("latin-1")),
            (b"content-length", b"%d" % len(body)),
            *SECURE_HEADERS,
        ]
        if headers:
            self.headers[:0] = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


def respond(content: Any, status: int = 200, media_type: str = JSON, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, encode(content), f"{media_type}; charset=utf-8", headers)


def to_response(answer: OperationResult, media_type: str) -> Reply:
    """Returns the answer to an operation, with the status that GraphQL over HTTP defines for this media type."""
    content: dict[str, Any] = {"errors": answer.errors} if answer.errors else {}
    if answer.executed:
        content = {"data": answer.data, **content}
    if answer.warnings:
        warnings = [{"code": code, "message": message} for code, message in answer.warnings.items()]
        content["extensions"] = {"warnings": warnings}
    status, headers = _status(answer, media_type)
    return respond(content, status, media_type, headers)


def _status(answer: OperationResult, media_type: str) -> tuple[int, dict[str, str]]:
    """Returns the status and its headers. An answer with data has the status 200, because clients ignore other data."""
    if not answer.errors:
        return 200, {}
    if answer.is_mutation_by_get:
        return 405, {"allow": "POST"}
    extensions = {each["extensions"]["code"]: each["extensions"] for each in answer.errors}
    if answer.executed:
        return 200, _step_up(extensions)
    if "UNAUTHENTICATED" in extensions:
        return 401, {"www-authenticate": REALM}
    for code, status in _STATUS.items():
        if code in extensions:
            wait = str(extensions[code].get("retryAfter", 1))
            return status, {"retry-after": wait} if status in (429, 503) else {}
    return (400 if media_type == GRAPHQL_RESPONSE else 200), {}


def _step_up(extensions: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Returns the challenge of RFC 9470 if a field needs a more recent sign-in."""
    wanted = extensions.get("INSUFFICIENT_USER_AUTHENTICATION")
    if wanted is None:
        return {}
    challenge = f'{REALM}, error="insufficient_user_authentication", max_age="{wanted["max_age"]}"'
    return {"www-authenticate": challenge}


def rate_headers(rate: Rate) -> list[tuple[bytes, bytes]]:
    """Returns the headers RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers)."""
    policy = f'"{rate.policy}";q={rate.limit};w={rate.window}'
    left = f'"{rate.policy}";r={rate.remaining};t={rate.reset_in}'
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode())]


def to_challenge(error: Unauthenticated, media_type: str) -> Reply:
    """Returns the refusal of a token, with the challenge of RFC 6750, section 3."""
    # A quotation mark would end the text in the header.
    description = error.message.replace('"', "'")
    challenge = f'{REALM}, error="{error.error}", error_description="{description}"'
    # RFC 6750: a malformed header is a mistake of the client, which a new token would not repair.
    status = 400 if error.error == "invalid_request" else 401
    content = {"errors": [request_error("UNAUTHENTICATED", error.message)]}
    return respond(content, status, media_type, {"www-authenticate": challenge})


def to_refusal(error: BadRequest, media_type: str) -> Reply:
    content = {"errors": [request_error("BAD_REQUEST", error.message)]}
    return respond(content, error.status, media_type, {"allow": error.allow} if error.allow else None)


def to_unavailable(message: str, media_type: str) -> Reply:
    return respond({"errors": [request_error("UNAVAILABLE", message)]}, 503, media_type, {"retry-after": "1"})


def to_rate_limited(error: RateLimited, media_type: str) -> Reply:
    content = {"errors": [request_error("RATE_LIMITED", error.message, retryAfter=error.retry_after)]}
    return respond(content, 429, media_type, {"retry-after": str(error.retry_after)})
