"""GraphQL over HTTP, outward: from an answer to bytes."""

import json
from typing import Any

import orjson
from starlette.responses import Response

from app.domain.errors import Unauthenticated
from app.schema.errors import request_error
from app.schema.execution import Answer
from app.web.requests import GRAPHQL_RESPONSE, JSON, BadRequest

REALM = 'Bearer realm="profile-api"'


def encode(content: Any) -> bytes:
    """JSON in UTF-8; what UTF-8 can't hold (a lone surrogate in a message) goes out escaped."""
    try:
        return orjson.dumps(content)
    except TypeError:
        return json.dumps(content, separators=(",", ":")).encode()


def respond(content: Any, status: int = 200, media_type: str = JSON, **headers: str) -> Response:
    """Never stored by anyone on the way. Header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(
        encode(content), status, {"cache-control": "no-store", **named, "content-type": f"{media_type}; charset=utf-8"}
    )


def to_response(answer: Answer, media_type: str) -> Response:
    """Status codes as GraphQL over HTTP has them for this media type, and as RFC 6750 where a token is wanted."""
    content: dict[str, Any] = {"errors": answer.errors} if answer.errors else {}
    if answer.executed:
        content = {"data": answer.data, **content}
    codes = answer.codes() if answer.errors else set()
    if answer.is_mutation_by_get:
        return respond(content, 405, media_type, allow="POST")
    if "UNAUTHENTICATED" in codes:
        return respond(content, 401, media_type, www_authenticate=REALM)
    if not answer.executed and "USER_BLOCKED" in codes:
        return respond(content, 403, media_type)
    if not answer.executed and "INTERNAL" in codes:
        return respond(content, 500, media_type)
    if not answer.executed and "UNAVAILABLE" in codes:
        return respond(content, 503, media_type, retry_after="1")
    # A request that is well-formed JSON but can't be run is 400, except to clients that know application/json only.
    status = 400 if not answer.executed and media_type == GRAPHQL_RESPONSE else 200
    return respond(content, status, media_type)


def to_challenge(error: Unauthenticated, media_type: str) -> Response:
    """RFC 6750, section 3."""
    description = error.message.replace('"', "'")
    challenge = f'{REALM}, error="{error.error}", error_description="{description}"'
    status = 400 if error.error == "invalid_request" else 401
    content = {"errors": [request_error("UNAUTHENTICATED", error.message)]}
    return respond(content, status, media_type, www_authenticate=challenge)


def to_refusal(error: BadRequest, media_type: str) -> Response:
    content = {"errors": [request_error("BAD_REQUEST", error.message)]}
    return respond(content, error.status, media_type, **({"allow": error.allow} if error.allow else {}))
