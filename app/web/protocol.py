"""HTTP/1.1 with limits on what a connection may hold, and for how long: uvicorn's httptools protocol has none.

It relies on uvicorn's internals, so uvicorn is pinned, and tests/web/test_protocol.py shows what must stay true.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

# The parser keeps an unfinished header in memory, so it is fed in small parts and checked after each.
_PART_BYTES = 8_192
# A client that is refused while it still sends is read from for a moment, so that it can read the answer.
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 1_048_576
# How long a connection without a request is kept when the server stops.
_GRACE_SECONDS = 1.0
# Chunks of one byte have five bytes around them.
_CHUNK_OVERHEAD = 8
_MAX_PIPELINED = 100
_NEVER = float("inf")
# The key of the lifespan's state that holds a function of a status and seconds: it counts a refused request.
COUNT_REFUSAL = "count_refusal"


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Of one connection, but for `connections`, which is how many a process keeps open.

    A body may take `body_seconds`, and a second more for each `body_rate` bytes of it. A client that reads nothing of
    an answer for `write_seconds` is gone.
    """

    head_bytes: int = 32_768
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    body_rate: int = 16_384
    write_seconds: float = 30.0
    connections: int = 1_000


class Input(Enum):
    """What the client is sending."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()
    # It was refused; what still arrives is read and dropped.
    REFUSED = auto()


class OpenConnections:
    """The open connections of this process. At the limit, the one that has waited longest makes room for a new one."""

    def __init__(self, limits: HttpLimits) -> None:
        self.limits = limits
        self._open: set[LimitedProtocol] = set()
        # Those without a complete request, in the order in which they began to wait.
        self._waiting: dict[LimitedProtocol, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tick = min(1.0, limits.head_seconds / 4, limits.body_seconds / 4, limits.write_seconds / 4)

    def __len__(self) -> int:
        return len(self._open)

    def protocol(self, **given: Any) -> "LimitedProtocol":
        """Makes the protocol of a new connection; uvicorn calls it as a class."""
        return LimitedProtocol(self, **given)

    def add(self, connection: "LimitedProtocol") -> bool:
        """False when there is no room: each open connection is being answered."""
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
        """The connection has no complete request from now on."""
        if connection in self._open:
            self._waiting.setdefault(connection)

    def work(self, connection: "LimitedProtocol") -> None:
        self._waiting.pop(connection, None)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """One timer for all: a timer for each request would cost more than all other checks."""
        now = loop.time()
        for each in tuple(self._open):
            each.check(now)
        self._timer = loop.call_later(self._tick, self._sweep, loop) if self._open else None


class LimitedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, connections: OpenConnections, **given: Any) -> None:
        super().__init__(**given)
        self._all = connections
        self._limits = connections.limits
        self._input = Input.NOTHING
        self._deadline = _NEVER
        self._began = self.loop.time()
        # The server stops: no other request is taken from this connection.
        self._is_last = False
        # Bytes of the message that are not of its body, and those that are.
        self._raw = self._body = 0
        self._body_began = 0.0
        # How much was still to be written, and when that was looked at.
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
            # Answered like any other request, and closed then: nothing here speaks another protocol.
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
            # The parser stops at an exception.
            raise ConnectionAbortedError
        super().on_headers_complete()
        if self.parser.should_upgrade() or self._is_last:
            self.cycle.keep_alive = False
        # Trailers are no headers (RFC 9110, section 6.5.1): they go into a list that nobody reads.
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
            # The rest of a body that was answered without it.
            self._deadline = min(self._deadline, self.loop.time() + _LINGER_SECONDS)

    def shutdown(self) -> None:
        """Closes the connection when its request is answered. One that was just made may have a request under way."""
        if self._input is Input.HEAD or (self.cycle is None and not self._is_refused()):
            self._is_last = True
            self._deadline = min(self._deadline, self.loop.time() + _GRACE_SECONDS)
        else:
            super().shutdown()

    def _unsupported_upgrade_warning(self) -> None:
        """Anybody could fill the log with it."""

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
        """Ends the connection when its client takes too long."""
        if self._reads_too_slowly(now):
            self.transport.abort()
        elif self.flow.read_paused:
            # The client can't go on, so its time does not either.
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
            # An earlier request of this connection still runs, and has a time limit of its own.
            return
        elif self._input is Input.NOTHING or (self._input is Input.BODY and not self._is_answering()):
            self.transport.close()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        """Answers in place of the application, and reads on for a moment before it closes."""
        is_of_earlier = self._is_answering() and self._input is not Input.BODY
        self._input, self._raw = Input.REFUSED, 0
        self._deadline = self.loop.time() + _LINGER_SECONDS
        if is_of_earlier:
            # Answers keep the order of their requests: this one is left out, and the last before it closes.
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
    """What uvicorn makes a connection's protocol with."""
    return OpenConnections(limits).protocol
