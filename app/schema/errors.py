"""Errors as they leave: a message for people, a code for programs, and nothing of the inside."""

import logging
import secrets
import traceback
from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError

from app.domain.errors import (
    Forbidden,
    InsufficientUserAuthentication,
    RateLimited,
    Refused,
    TimedOut,
    Unauthenticated,
    Unavailable,
    UserBlocked,
)

logger = logging.getLogger("profile_api")


def to_json(error: GraphQLError) -> dict[str, Any]:
    """As the GraphQL specification has it, always with `extensions.code`. What is not known becomes
    INTERNAL and is logged."""
    message, extensions = _tell(error)
    told: dict[str, Any] = {"message": message, "extensions": extensions}
    if error.locations:
        told["locations"] = [{"line": each.line, "column": each.column} for each in error.locations]
    if error.path:
        told["path"] = error.path
    return told


def request_error(code: str, message: str, **extensions: Any) -> dict[str, Any]:
    """An error of the request as a whole."""
    return {"message": message, "extensions": {"code": code, **extensions}}


def _tell(error: GraphQLError) -> tuple[str, Mapping[str, Any]]:
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    match cause:
        case None | GraphQLError():
            code = (error.extensions or {}).get("code", "BAD_USER_INPUT")
            return error.message, {"code": code}
        case Refused():
            return cause.message, {"code": "BAD_USER_INPUT", "reason": cause.code.value, "input": list(cause.path)}
        case Forbidden():
            return cause.message, {"code": "FORBIDDEN", "scopes": cause.scopes}
        case Unauthenticated():
            return cause.message, {"code": "UNAUTHENTICATED"}
        case UserBlocked():
            return "This profile is blocked.", {"code": "USER_BLOCKED"}
        case Unavailable():
            return cause.message, {"code": "UNAVAILABLE"}
        case InsufficientUserAuthentication():
            return cause.message, {"code": "INSUFFICIENT_USER_AUTHENTICATION", "max_age": cause.max_age}
        case TimedOut():
            return cause.message, {"code": "TIMEOUT"}
        case RateLimited():
            return cause.message, {"code": "RATE_LIMITED", "retryAfter": cause.retry_after}
    return _internal(cause)


def _internal(cause: BaseException) -> tuple[str, Mapping[str, Any]]:
    trace_id = secrets.token_hex(16)
    # Where it happened, not what it said: a message of a driver or a library may hold what a caller sent.
    places = "".join(traceback.format_tb(cause.__traceback__))
    logger.error("internal error, trace id %s: %s\n%s", trace_id, type(cause).__name__, places)
    return "Something went wrong on our side.", {"code": "INTERNAL", "traceId": trace_id}
