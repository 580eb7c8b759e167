"""Logs: one line a request, and what else is said, as JSON or for a terminal. Never a token, a password, metadata."""

import logging
import re
import sys
from secrets import token_hex
from typing import Any

import orjson
import structlog
from starlette.datastructures import Headers

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
# An operation's name is a caller's word: enough of it to find it again.
MAX_NAME = 64

requests: Any = structlog.get_logger("profile_api.requests")


def configure_logs(format_: str) -> None:
    """`format_` is json, terminal, or auto: terminal where standard error is one. Logs go to standard error."""
    terminal = format_ == "terminal" or (format_ == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(_dumps)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr)
        if terminal
        else structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    # What libraries say, uvicorn first of all, looks the same.
    text_renderer: Any = renderer if terminal else structlog.processors.JSONRenderer(_dumps_text)
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.processors.format_exc_info],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, text_renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    # They log addresses with query strings, and each connection.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def request_id(headers: Headers) -> str:
    """The caller's own X-Request-Id where it is one, else a new one."""
    given = headers.get("x-request-id")
    return given if given is not None and _REQUEST_ID.fullmatch(given) else token_hex(16)


def _dumps(value: Any, **_: Any) -> bytes:
    return orjson.dumps(value, default=str)


def _dumps_text(value: Any, **_: Any) -> str:
    return orjson.dumps(value, default=str).decode("utf-8", "replace")
