"""HTTP/1.1 with limits of size and time for each connection. The httptools protocol of uvicorn has no such limits.

This module depends on internals of uvicorn. So uvicorn is pinned, and tests/web/test_protocol.py checks the behaviour.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

# The parser stores an unfinished header in memory. So it gets small parts, and the size is checked after each part.
_PART_BYTES = 8_192
# After a refusal, the connection still reads for this long. If it closed at once, a client that is still sending would
# get a connection reset instead of the answer.
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 1_048_576
# When the server stops, a connection without a request stays open for this long: a request can be on its way.
_GRACE_SECONDS = 1.0
# Bytes around the data of a chunk, per byte of the body. A chunk of one byte has five of them.
_CHUNK_OVERHEAD = 8
# Requests that a client may send on a connection before it receives the first answer.
_MAX_PIPELINED = 100
_NEVER = float("inf")
# The key in the state of the lifespan for a function that counts a refused request. It gets the status and the seconds.
COUNT_REFUSAL = "count_refusal"


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """The limits of one connection. Only `connections` is a limit of the process: the number of open connections.

    A body must arrive within `body_seconds`, plus one second for each `body_rate` bytes. A connection is closed if its
    client reads too little of an answer within `write_seconds`.
    """

    head_bytes: int = 32_768
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    body_rate: int = 16_384
    write_seconds: float = 30.0
    connections: int = 1_000


class Input(Enum):
    """The part of the request that the client is sending at present."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()
    # The request was refused. What the client still sends is read and ignored.
    REFUSED = auto()


class OpenConnections:
    """The open connections of this process.

    At the limit, a new connection replaces the one that has waited longest for a complete request. So a client that
    opens many idle connections does not lock out others.
    """

    def __init__(self, limits: HttpLimits) -> None:
        self.limits = limits
        self._open: set[LimitedProtocol] = set()
        # Connections without a complete request, in the order in which they began to wait.
        self._waiting: dict[LimitedProtocol, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tick = min(1.0, limits.head_seconds / 4, limits.body_seconds / 4, limits.write_seconds / 4)

    def __len__(self) -> int:
        return len(self._open)

    def protocol(self, **given: Any) -> "LimitedProtocol":
        """Returns the protocol object of a new connection. uvicorn calls this method like a class."""
        return LimitedProtocol(self, **given)

    def add(self, connection: "LimitedProtocol") -> bool:
        """Adds a connection. Returns False at the limit, if the service is answering a request on every connection."""
        if len(self._open) >= self.limits.connections:
            if not self._waiting:
                return False
            oldest = next(iter(self._waiting))
            self.remove(oldest)
            oldest.transport.abort()
        self._open.add(connection)
        self._waiting[connection] = None
        if self._timer is None:
            self._timer = connection.loop.call_later(self._tick, self._sweep, connection.loop)
        return True

    def remove(self, connection: "LimitedProtocol") -> None:
        self._open.discard(connection)
        self._waiting.pop(connection, None)

    def wait(self, connection: "LimitedProtocol") -> None:
        """Marks that the connection has no complete request from now on."""
        if connection in self._open:
            self._waiting.setdefault(connection)

    def work(self, connection: "LimitedProtocol") -> None:
        """Marks that the service answers a request on the connection from now on."""
        self._waiting.pop(connection, None)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Checks all connections.

        One timer is enough: a timer for each request would cost more than all other checks.
        """
        now = loop.time()
        for each in tuple(self._open):
            each.check(now)
        self._timer = loop.call_later(self._tick, self._sweep, loop) if self._open else None


class LimitedProtocol(HttpToolsProtocol):
    """One connection, with the limits of HttpLimits."""

    def __init__(self, connections: OpenConnections, **given: Any) -> None:
        super().__init__(**given)
        self._all = connections
        self._limits = connections.limits
        self._input = Input.NOTHING
        self._deadline = _NEVER
        self._began = self.loop.time()
        # True when the server stops: this connection takes no further request.
        self._is_last = False
        # Bytes of the message outside of its body, and bytes of its body.
        self._raw = self._body = 0
        self._body_began = 0.0
        # Bytes that were not written yet at the last check, and the time of that check.
        self._unwritten = 0
        self._looked_at = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.time() + self._limits.head_seconds
        if not self._all.add(self):
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused():
            self._raw += len(data)
            if self._raw > _LINGER_BYTES:
                self.transport.abort()
            return
        self._unset_keepalive_if_required()
        if self._input is Input.NOTHING:
            self._expect_head()
        if len(data) <= _PART_BYTES:
            self._feed(data)
            return
        view = memoryview(data)
        for start in range(0, len(view), _PART_BYTES):
            if self._is_refused() or self.transport.is_closing():
                return
            self._feed(view[start : start + _PART_BYTES])

    def _feed(self, data: bytes | memoryview) -> None:
        self._raw += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # The service answers the request as HTTP/1.1, and then closes the connection.
            return
        except httptools.HttpParserError:
            if not self._is_refused():
                self._refuse(HTTPStatus.BAD_REQUEST)
            return
        if self._raw > self._limits.head_bytes + _CHUNK_OVERHEAD * self._body:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        self._raw = self._body = 0
        if self._input is Input.NOTHING:
            self._expect_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self._limits.head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif len(self.pipeline) >= _MAX_PIPELINED:
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS)
        if self._is_refused():
            # An exception stops the parser.
            raise ConnectionAbortedError
        super().on_headers_complete()
        if self.parser.should_upgrade() or self._is_last:
            self.cycle.keep_alive = False
        # Trailers must not become headers (RFC 9110, section 6.5.1). The parser adds them to this new list, which is
        # not used.
        self.headers = []
        self._raw = 0
        self._input, self._body_began = Input.BODY, self.loop.time()
        self._deadline = self._body_began + self._limits.body_seconds

    def on_body(self, body: bytes) -> None:
        self._raw -= len(body)
        self._body += len(body)
        if not self.cycle.response_complete:
            more = self._limits.body_seconds + self._body / self._limits.body_rate
            self._deadline = max(self._deadline, self._body_began + more)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._raw = self._body = 0
        self._input, self._deadline = Input.NOTHING, _NEVER
        if not self.cycle.response_complete:
            self._all.work(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.pipeline:
            self._all.wait(self)
        if self._input is Input.BODY:
            # The request was answered before its whole body arrived. The rest of the body gets only a short time.
            self._deadline = min(self._deadline, self.loop.time() + _LINGER_SECONDS)

    def shutdown(self) -> None:
        """Closes the connection after its request is answered. On a new connection, a request can be on its way."""
        if self._input is Input.HEAD or (self.cycle is None and not self._is_refused()):
            self._is_last = True
            self._deadline = min(self._deadline, self.loop.time() + _GRACE_SECONDS)
        else:
            super().shutdown()

    def _unsupported_upgrade_warning(self) -> None:
        """Replaces the method of uvicorn, which logs a warning: any client could fill the log."""

    def _expect_head(self) -> None:
        self._began = self.loop.time()
        self._input, self._deadline = Input.HEAD, self._began + self._limits.head_seconds

    def _is_refused(self) -> bool:
        return self._input is Input.REFUSED

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def resume_writing(self) -> None:
        self._unwritten = 0
        super().resume_writing()

    def check(self, now: float) -> None:
        """Closes the connection if its client is too slow. `now` is the time of the event loop."""
        if self._reads_too_slowly(now):
            self.transport.abort()
        elif self.flow.read_paused:
            # The server has paused reading, so the client cannot send. This time must not count against the client.
            self._deadline = max(self._deadline, now + self._limits.head_seconds)
        elif now >= self._deadline:
            self._expire()

    def _reads_too_slowly(self, now: float) -> bool:
        unwritten = self.transport.get_write_buffer_size()
        if unwritten and self._unwritten:
            if now - self._looked_at < self._limits.write_seconds:
                return False
            expected = min(self._unwritten, self._limits.body_rate * self._limits.write_seconds)
            if self._unwritten - unwritten < expected:
                return True
        self._unwritten, self._looked_at = unwritten, now
        return False

    def _expire(self) -> None:
        if self._is_refused():
            self.transport.abort()
        elif self._input is Input.HEAD and self._is_answering():
            # An earlier request of this connection is still running. It has a time limit of its own.
            return
        elif self._input is Input.NOTHING or (self._input is Input.BODY and not self._is_answering()):
            self.transport.close()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        """Answers instead of the application, and reads for a short time before it closes the connection."""
        is_answering_earlier = self._is_answering() and self._input is not Input.BODY
        self._input, self._raw = Input.REFUSED, 0
        self._deadline = self.loop.time() + _LINGER_SECONDS
        if is_answering_earlier:
            # Answers must be in the order of the requests. This request gets no answer: the connection closes after the
            # answer to the earlier request.
            self.cycle.keep_alive = False
            self._deadline = _NEVER
            return
        if self.pipeline or (self._is_answering() and self.cycle.response_started):
            self.transport.abort()
            return
        self._write_refusal(status)
        if self._is_answering():
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _write_refusal(self, status: HTTPStatus) -> None:
        if count := self.app_state.get(COUNT_REFUSAL):
            count(status.value, self.loop.time() - self._began)
        text = status.phrase.encode()
        self.transport.write(
            STATUS_LINE[status]
            + b"".join(b"%b: %b\r\n" % each for each in self.server_state.default_headers)
            + (b"retry-after: 1\r\n" if status is HTTPStatus.SERVICE_UNAVAILABLE else b"")
            + b"content-type: text/plain; charset=utf-8\r\ncache-control: no-store\r\nconnection: close\r\n"
            + b"content-length: %d\r\n\r\n%b" % (len(text), text)
        )
        if self.transport.can_write_eof():
            self.transport.write_eof()


def protocol_factory(limits: HttpLimits) -> Callable[..., LimitedProtocol]:
    """Returns the function that uvicorn calls for each new connection."""
    return OpenConnections(limits).protocol
