"""Errors as an answer has them: a message for people, a code for programs, and nothing of the inside."""

import logging
import secrets
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLError

# The message and the extensions of an error that a schema knows. None for any other.
DescribeError = Callable[[BaseException], tuple[str, Mapping[str, Any]] | None]

logger = logging.getLogger("profile_api")


def to_json(error: GraphQLError, describe: DescribeError) -> dict[str, Any]:
    """As the GraphQL specification has it, always with `extensions.code`. What is not known becomes INTERNAL and is
    logged.
    """
    message, extensions = _tell(error, describe)
    told: dict[str, Any] = {"message": message, "extensions": extensions}
    if error.locations:
        told["locations"] = [{"line": each.line, "column": each.column} for each in error.locations]
    if error.path:
        told["path"] = error.path
    return told


def request_error(code: str, message: str, **extensions: Any) -> dict[str, Any]:
    """An error of the request as a whole."""
    return {"message": message, "extensions": {"code": code, **extensions}}


def exceeded(message: str, node: Any = None) -> GraphQLError:
    return GraphQLError(message, nodes=node, extensions={"code": "COST_EXCEEDED"})


def _tell(error: GraphQLError, describe: DescribeError) -> tuple[str, Mapping[str, Any]]:
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if cause is None or isinstance(cause, GraphQLError):
        return error.message, {"code": (error.extensions or {}).get("code", "BAD_USER_INPUT")}
    return describe(cause) or _internal(cause)


def _internal(cause: BaseException) -> tuple[str, Mapping[str, Any]]:
    trace_id = secrets.token_hex(16)
    # Where it happened, not what it said: a message of a driver or a library may hold what a caller sent.
    places = "".join(traceback.format_tb(cause.__traceback__))
    logger.error("internal error, trace id %s: %s\n%s", trace_id, type(cause).__name__, places)
    return "Something went wrong on our side.", {"code": "INTERNAL", "traceId": trace_id}
