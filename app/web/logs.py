"""Logs: one line for each request, and other messages, as JSON or for a terminal.

No log contains tokens or metadata.
"""

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
# Characters of the operation name in a log line. The caller chooses the name, and could choose a very long one.
MAX_NAME = 64

# The id of the request that the current task works on.
REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)


class RequestLog:
    """Writes one line for each request. Writes nothing until `configure_logs` was called."""

    def __init__(self) -> None:
        self._stream: BinaryIO | None = None
        self._logger: Any = None

    def write_json(self, stream: BinaryIO) -> None:
        """Selects JSON.

        This class writes it without structlog, because the time for this line is part of every request.
        """
        self._stream, self._logger = stream, None

    def write_text(self, logger: Any) -> None:
        self._stream, self._logger = None, logger

    def write(self, line: dict[str, Any]) -> None:
        if self._stream is not None:
            line["event"], line["level"], line["timestamp"] = "request", "info", datetime.now(UTC)
            self._stream.write(orjson.dumps(line, default=str, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z))
            self._stream.flush()
        elif self._logger is not None:
            self._logger.info("request", **line)


requests = RequestLog()


def configure_logs(format_: str) -> None:
    """Configures all logs, which are written to standard error. `format_` is json, terminal or auto.

    auto means terminal if standard error is a terminal, and json otherwise.
    """
    terminal = format_ == "terminal" or (format_ == "auto" and sys.stderr.isatty())
    renderer: Any = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(_dumps)
    level: list[Any] = [structlog.processors.add_log_level, structlog.processors.TimeStamper("iso", utc=True)]
    if terminal:
        requests.write_text(structlog.BoundLogger(structlog.PrintLogger(sys.stderr), [*level, renderer], {}))
    else:
        requests.write_json(sys.stderr.buffer)
    # Messages of libraries, such as uvicorn, get the same format.
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*level, _add_request_id, structlog.processors.format_exc_info],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    # At lower levels these libraries log URLs with query strings, which can contain secrets.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def read_request_id(headers: Headers) -> str:
    """Returns X-Request-Id of the request, or a new id if the header is missing or not valid.

    Only short ids of plain characters are valid, because the id is written to logs.
    """
    given = headers.get("x-request-id")
    return given if given is not None and _REQUEST_ID.fullmatch(given) else f"{getrandbits(128):032x}"


def _add_request_id(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    request_id = REQUEST_ID.get()
    return event if request_id is None else {**event, "request_id": request_id}


def _dumps(value: Any, **_: Any) -> str:
    return orjson.dumps(value, default=str).decode("utf-8", "replace")
