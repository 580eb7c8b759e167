"""Translates errors of the domain to top-level GraphQL errors. The manual documents each code."""

from collections.abc import Mapping
from typing import Any

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
from app.search.errors import SearchRefused


def describe_error(error: BaseException) -> tuple[str, Mapping[str, Any]] | None:
    """Returns the message and the extensions with the code, or None for an error that is a fault of the service."""
    # Only errors that are listed here reach a client with their message: any other message could contain secrets.
    match error:
        case SearchRefused(line=int()):
            place = {"line": error.line, "column": error.column}
            return error.message, {**_refused(error), **place}
        case Refused():
            # A refusal outside of a payload, such as that of an argument of a query. `reason` is the more exact code.
            return error.message, _refused(error)
        case Forbidden():
            return error.message, {"code": "FORBIDDEN", "scopes": error.scopes}
        case Unauthenticated():
            return error.message, {"code": "UNAUTHENTICATED"}
        case UserBlocked():
            return "This profile is blocked.", {"code": "USER_BLOCKED"}
        case Unavailable():
            return error.message, {"code": "UNAVAILABLE"}
        case InsufficientUserAuthentication():
            return error.message, {"code": "INSUFFICIENT_USER_AUTHENTICATION", "max_age": error.max_age}
        case TimedOut():
            return error.message, {"code": "TIMEOUT"}
        case RateLimited():
            return error.message, {"code": "RATE_LIMITED", "retryAfter": error.retry_after}
    return None


def _refused(error: Refused) -> dict[str, Any]:
    return {"code": "BAD_USER_INPUT", "reason": error.code.value, "input": list(error.path)}
