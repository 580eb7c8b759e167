"""Logs: one line for each request, and other messages, as JSON or for a terminal. No token or metadata is logged."""

import logging
import re
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from random import getrandbits
from typing import Any, BinaryIO

import orjson
import structlog

from app.web.requests import Headers

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
# An operation's name is a caller's word: enough of it to find it again.
MAX_NAME = 64

# The request that this task works on.
REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)


class RequestLog:
    """One line a request. Says nothing until `configure_logs` was called."""

    def __init__(self) -> None:
        self._stream: BinaryIO | None = None
        self._logger: Any = None

    def write_json(self, stream: BinaryIO) -> None:
        """Written here rather than by structlog: this line is a part of what every request costs."""
        self._stream, self._logger = stream, None

    def write_words(self, logger: Any) -> None:
        self._stream, self._logger = None, logger

    def write(self, told: dict[str, Any]) -> None:
        if self._stream is not None:
            told["event"], told["level"], told["timestamp"] = "request", "info", datetime.now(UTC)
            self._stream.write(orjson.dumps(told, default=str, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z))
            self._stream.flush()
        elif self._logger is not None:
            self._logger.info("request", **told)


requests = RequestLog()


def configure_logs(format_: str) -> None:
    """`format_` is json, terminal, or auto: terminal where standard error is one. Logs go to standard error."""
    terminal = format_ == "terminal" or (format_ == "auto" and sys.stderr.isatty())
    renderer: Any = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(_dumps)
    level: list[Any] = [structlog.processors.add_log_level, structlog.processors.TimeStamper("iso", utc=True)]
    if terminal:
        requests.write_words(structlog.BoundLogger(structlog.PrintLogger(sys.stderr), [*level, renderer], {}))
    else:
        requests.write_json(sys.stderr.buffer)
    # What libraries say, uvicorn first of all, looks the same.
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*level, _add_request_id, structlog.processors.format_exc_info],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    # They log URLs with query strings, and each connection.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def request_id(headers: Headers) -> str:
    """The caller's own X-Request-Id where it is one, else a new one."""
    given = headers.get("x-request-id")
    return given if given is not None and _REQUEST_ID.fullmatch(given) else f"{getrandbits(128):032x}"


def _add_request_id(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    request_id = REQUEST_ID.get()
    return event if request_id is None else {**event, "request_id": request_id}


def _dumps(value: Any, **_: Any) -> str:
    return orjson.dumps(value, default=str).decode("utf-8", "replace")
