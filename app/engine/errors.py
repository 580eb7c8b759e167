"""Errors in an answer: a message for people and a code for programs, without internal details."""

import logging
import secrets
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLError

# Returns the message and the extensions of an error that the schema can explain, and None for any other error.
DescribeError = Callable[[BaseException], tuple[str, Mapping[str, Any]] | None]

logger = logging.getLogger("profile_api")


def to_json(error: GraphQLError, describe: DescribeError) -> dict[str, Any]:
    """Returns the error as the GraphQL specification defines it, always with `extensions.code`.

    An error that `describe` cannot explain becomes INTERNAL and is logged.
    """
    message, extensions = _message_and_extensions(error, describe)
    result: dict[str, Any] = {"message": message, "extensions": extensions}
    if error.locations:
        result["locations"] = [{"line": each.line, "column": each.column} for each in error.locations]
    if error.path:
        result["path"] = error.path
    return result


def request_error(code: str, message: str, **extensions: Any) -> dict[str, Any]:
    """Returns an error of the request as a whole, which has no location and no path."""
    return {"message": message, "extensions": {"code": code, **extensions}}


def exceeded(message: str, node: Any = None) -> GraphQLError:
    """Returns the error for an operation or an answer that is larger than a limit allows."""
    return GraphQLError(message, nodes=node, extensions={"code": "COST_EXCEEDED"})


def _message_and_extensions(error: GraphQLError, describe: DescribeError) -> tuple[str, Mapping[str, Any]]:
    # graphql-core can wrap an error of a resolver more than once. The innermost error is the one to explain.
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if cause is None or isinstance(cause, GraphQLError):
        return error.message, {"code": (error.extensions or {}).get("code", "BAD_USER_INPUT")}
    return describe(cause) or _internal(cause)


def _internal(cause: BaseException) -> tuple[str, Mapping[str, Any]]:
    trace_id = secrets.token_hex(16)
    # The log gets the traceback but not the message: messages of drivers and libraries can contain values that a caller
    # sent, and these must not reach a log.
    places = "".join(traceback.format_tb(cause.__traceback__))
    logger.error("internal error, trace id %s: %s\n%s", trace_id, type(cause).__name__, places)
    return "The service has a fault. Send the trace id to its operator.", {"code": "INTERNAL", "traceId": trace_id}
