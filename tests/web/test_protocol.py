"""HTTP/1.1 on real sockets: limits of size and time for connections, and ordinary requests."""

import asyncio
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from app.web.protocol import HttpLimits, OpenConnections
from tests.serving import eventually

HEAD = b"POST /echo HTTP/1.1\r\nhost: localhost\r\n"
GET = b"GET /echo HTTP/1.1\r\nhost: localhost\r\n\r\n"
BIG = 50_000_000


class Application:
    """An application: /echo reads the body, /now does not, /big sends BIG bytes, and /wait waits until it is released."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.waiting = 0
        self.broken_off = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        if scope["path"] == "/echo":
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    self.broken_off.set()
                    return
                body, more = body + message["body"], message["more_body"]
            names = b",".join(name for name, _ in scope["headers"])
            body = b"%d %b %b" % (len(body), body[:10], names)
        elif scope["path"] == "/big":
            body = b"x" * BIG
        elif scope["path"] == "/wait":
            self.waiting += 1
            while not self.released.is_set():
                await asyncio.sleep(0.01)
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Running:
    """A server in its own thread."""

    def __init__(
        self, port: int, connections: OpenConnections, application: Application, server: uvicorn.Server
    ) -> None:
        self.port = port
        self.server = server
        self.connections = connections
        self.application = application
        self._sockets: list[socket.socket] = []

    def connect(self, *parts: bytes) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), 10)
        self._sockets.append(made)
        for each in parts:
            made.sendall(each)
        return made

    def ask(self, *parts: bytes) -> bytes:
        """Sends bytes, and returns what arrives until the server closes the connection."""
        return rest(self.connect(*parts))

    def close(self) -> None:
        for each in self._sockets:
            each.close()


@contextmanager
def running(keep_alive: float = 5, drain: int = 1, **limits: Any) -> Iterator[Running]:
    application, connections = Application(), OpenConnections(HttpLimits(**limits))
    protocol: Any = connections.protocol
    config = uvicorn.Config(
        application,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=keep_alive,  # type: ignore[arg-type]
        timeout_graceful_shutdown=drain,
    )
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        eventually(lambda: server.started, "the server to start")
        run = Running(listener.getsockname()[1], connections, application, server)
        try:
            yield run
        finally:
            run.close()
            application.released.set()
            server.should_exit = True
            thread.join()


def rest(connection: socket.socket) -> bytes:
    """Returns what arrives until the server closes the connection."""
    received = bytearray()
    with suppress(ConnectionError):
        while part := connection.recv(1_000_000):
            received += part
    return bytes(received)


def is_closed(connection: socket.socket, drip: bytes) -> bool:
    """Returns whether the server has closed the connection."""
    try:
        connection.sendall(drip)
    except ConnectionError:
        return True
    return False


def one(connection: socket.socket) -> bytes:
    """Returns the next answer."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(1)
    length = int(re.findall(rb"content-length: (\d+)", received)[0])
    body = b""
    while len(body) < length:
        body += connection.recv(length - len(body))
    return received + body


def status(answer: bytes) -> int:
    return int(answer.split()[1]) if answer else 0


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.protocol._LINGER_SECONDS", 0.2)


# ---------------------------------------------------------------- deadlines


def test_half_sent_heads_are_closed_at_their_deadline() -> None:
    with running(head_seconds=0.2) as run:
        halves = [run.connect(HEAD) for _ in range(20)]
        silent = [run.connect() for _ in range(5)]
        assert {status(rest(each)) for each in halves} == {408}
        assert {rest(each) for each in silent} == {b""}
        eventually(lambda: len(run.connections) == 0, "the connections to be forgotten")


@pytest.mark.parametrize("drip", [b"a", b"\r\n"])
@pytest.mark.parametrize("before", [b"", GET])
def test_slow_head_is_closed_at_its_deadline(drip: bytes, before: bytes) -> None:
    with running(head_seconds=0.3) as run:
        connection = run.connect(before)
        if before:
            assert status(one(connection)) == 200

        eventually(lambda: is_closed(connection, drip), "the connection to be closed")


def test_idle_connection_is_closed() -> None:
    with running(keep_alive=0.1) as run:
        connection = run.connect(GET)
        assert status(one(connection)) == 200
        assert rest(connection) == b""


def test_half_sent_body_ends_the_connection_and_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.protocol._LINGER_SECONDS", 60)
    with running(body_seconds=0.2) as run:
        for head in (b"content-length: 100\r\n\r\nabc", b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"):
            run.application.broken_off.clear()
            assert status(run.ask(HEAD + head)) == 408
            assert run.application.broken_off.wait(10)


def test_body_with_the_minimum_rate_may_take_longer() -> None:
    with running(body_seconds=0.2, body_rate=1) as run:
        connection = run.connect(HEAD + b"content-length: 8\r\nconnection: close\r\n\r\n")
        # Each byte gives one more second, so that the last byte is in time on a slow machine, too.
        connection.sendall(b"1234567")
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(10)
        connection.sendall(b"8")
        assert b"8 12345678" in rest(connection)


def test_client_that_does_not_read_is_disconnected() -> None:
    with running(write_seconds=0.2) as run:
        connection = run.connect(b"GET /big HTTP/1.1\r\nhost: localhost\r\n\r\n")
        eventually(lambda: len(run.connections) == 1, "the connection")
        eventually(lambda: len(run.connections) == 0, "the connection to be given up")
        assert len(rest(connection)) < BIG


def test_client_gets_the_whole_of_a_long_answer() -> None:
    with running(write_seconds=5) as run:
        answer = run.ask(b"GET /big HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
    assert len(answer) > BIG


def test_body_that_was_answered_early_is_not_read_for_long() -> None:
    with running(body_seconds=100) as run:
        connection = run.connect(b"POST /now HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10000000\r\n\r\n")
        assert status(one(connection)) == 200
        eventually(lambda: is_closed(connection, b"x"), "the connection to be closed")


class Transport:
    """A transport with this many bytes to write."""

    def __init__(self) -> None:
        self.unwritten = 60_000
        self.is_aborted = False

    def get_write_buffer_size(self) -> int:
        return self.unwritten

    def get_extra_info(self, name: str) -> None: ...

    def abort(self) -> None:
        self.is_aborted = True


@pytest.mark.parametrize(
    ("left", "is_resumed", "is_aborted"),
    [
        (60_000, False, True),
        (59_000, False, True),
        (0, False, False),
        # After the client has read, the stream has more to write again.
        (60_000, True, False),
    ],
)
async def test_client_must_read_with_the_minimum_rate(left: int, is_resumed: bool, is_aborted: bool) -> None:
    connections, transport = OpenConnections(HttpLimits(head_seconds=100, write_seconds=30)), Transport()
    given: Any = {"config": uvicorn.Config(Application(), lifespan="off", log_config=None), "app_state": {}}
    protocol = connections.protocol(server_state=ServerState(), **given)
    made: Any = transport
    protocol.connection_made(made)
    now = protocol.loop.time()
    protocol.check(now)
    protocol.check(now + 5)
    transport.unwritten = left
    if is_resumed:
        protocol.resume_writing()
    protocol.check(now + 31)
    assert transport.is_aborted is is_aborted
    connections.remove(protocol)


# ---------------------------------------------------------------- sizes


def large(size: int) -> dict[str, bytes]:
    """Returns heads of requests of about this size."""
    many = b"".join(b"x-%d: %b\r\n" % (number, b"a" * 90) for number in range(size // 98))
    return {
        "one header": HEAD + b"x-large: " + b"a" * size + b"\r\n\r\n",
        "many headers": HEAD + many + b"\r\n",
        "address": b"GET /echo?" + b"a" * size + b" HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "name": HEAD + b"a" * size + b": x\r\n\r\n",
        "unfinished": HEAD + b"x-large: " + b"a" * size,
    }


@pytest.mark.parametrize("kind", large(0))
def test_head_of_more_than_32_kb_is_refused(kind: str) -> None:
    with running(head_seconds=0.5) as run:
        answer = run.ask(large(42_000)[kind])
        assert status(answer) == 431
        assert b"connection: close" in answer
        assert status(run.ask(large(30_000)[kind][:-2] + b"\r\nconnection: close\r\n\r\n")) in (200, 408, 400)


@pytest.mark.parametrize("size", [32_000, 33_500])
def test_head_of_up_to_32_kb_is_accepted(size: int) -> None:
    head = b"GET /echo HTTP/1.1\r\nconnection: close\r\nx-large: " + b"a" * size + b"\r\n\r\n"
    with running() as run:
        assert status(run.ask(head)) == (200 if size < 32_768 else 431)
        assert status(run.ask(head[:20_000], head[20_000:])) == (200 if size < 32_768 else 431)


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (HEAD + b"x-large: ", b"a" * 65_536),
        (HEAD, b"x: y\r\n" * 10_000),
        (b"\r\n", b"\r\n" * 30_000),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\nx-trailer: ", b"a" * 65_536),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\n", b"x: y\r\n" * 10_000),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n1;x=", b"a" * 65_536),
    ],
)
def test_endless_heads_and_trailers_are_refused_early(start: bytes, more: bytes) -> None:
    with running() as run:
        connection = run.connect(start)
        sent = 0
        with suppress(ConnectionError):
            while sent < 60_000_000:
                connection.sendall(more)
                sent += len(more)
        # The buffers of the system, and the bytes that are read before the connection is closed.
        assert sent < 20_000_000
        eventually(lambda: len(run.connections) == 0, "the connection to be closed")


def test_trailers_are_not_headers() -> None:
    body = b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nauthorization: Bearer x\r\n\r\n"
    with running() as run:
        answer = run.ask(HEAD + body)
    assert b"3 abc host,connection,transfer-encoding" in answer
    assert b"authorization" not in answer


# ---------------------------------------------------------------- how many


def open_(run: Running, count: int, *parts: bytes) -> list[socket.socket]:
    made = [run.connect(*parts) for _ in range(count)]
    eventually(lambda: len(run.connections) == count, "the connections to be open")
    return made


def test_longest_waiting_connection_is_closed_at_the_limit() -> None:
    with running(connections=10) as run:
        waiting = open_(run, 10, HEAD)
        assert status(one(run.connect(GET))) == 200
        assert rest(waiting[0]) == b""
        waiting[1].sendall(b"content-length: 0\r\n\r\n")
        assert status(one(waiting[1])) == 200
        # A connection between two requests also waits.
        for _ in range(20):
            assert status(one(run.connect(GET))) == 200
        assert len(run.connections) == 10


def test_running_request_is_not_closed_at_the_limit() -> None:
    with running(connections=10) as run:
        waiting = open_(run, 10, b"GET /wait HTTP/1.1\r\nhost: localhost\r\n\r\n")
        eventually(lambda: run.application.waiting == 10, "the requests to run")
        refused = run.ask(GET)
        assert status(refused) == 503
        assert b"retry-after: 1" in refused
        run.application.released.set()
        assert {status(one(each)) for each in waiting} == {200}
        assert status(one(run.connect(GET))) == 200


# ---------------------------------------------------------------- as before


def test_pipelined_requests_are_answered_in_order() -> None:
    post = b"POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n%b"
    requests = [post % (size, b"x" * size) for size in (0, 5, 300_000, 1)]
    with running() as run:
        connection = run.connect(GET + b"".join(requests) + GET)
        assert [one(connection).split(b"\r\n\r\n")[1].split()[0] for _ in range(6)] == [
            b"0",
            b"0",
            b"5",
            b"300000",
            b"1",
            b"0",
        ]


def test_invalid_request_is_answered_after_the_one_before_it() -> None:
    with running() as run:
        connection = run.connect(b"GET /wait HTTP/1.1\r\nhost: localhost\r\n\r\nnonsense\r\n\r\n")
        eventually(lambda: run.application.waiting == 1, "the request to run")
        run.application.released.set()
        answer = rest(connection)
    assert status(answer) == 200
    assert answer.count(b"HTTP/1.1") == 1


def test_long_pipeline_is_refused() -> None:
    with running() as run:
        connection = run.connect(b"GET /wait HTTP/1.1\r\nhost: localhost\r\n\r\n" + GET * 1_000)
        run.application.released.set()
        assert 0 < rest(connection).count(b"HTTP/1.1 200") <= 102


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (HEAD + b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"5 abcde"),
        (HEAD + b"content-length: 300000\r\nconnection: close\r\n\r\n" + b"x" * 300_000, b"300000 xxxxxxxxxx"),
        (b"GET /echo HTTP/1.0\r\n\r\n", b"200 OK"),
        (GET.replace(b"\r\n\r\n", b"\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"), b"connection: close"),
        (b"nonsense\r\n\r\n", b"400 Bad Request"),
        (HEAD + b"content-length: x\r\n\r\n", b"400 Bad Request"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n", b"400 Bad Request"),
    ],
)
def test_ordinary_requests_are_answered(request_: bytes, expected: bytes) -> None:
    with running() as run:
        assert expected in run.ask(request_)


def test_body_may_have_chunks_of_one_byte() -> None:
    with running() as run:
        body = b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n"
        assert b"20000 x" in run.ask(HEAD + b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n" + body)


def test_client_may_wait_for_100_continue() -> None:
    with running() as run:
        connection = run.connect(HEAD + b"content-length: 3\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        assert b"3 abc" in rest(connection)


def test_connection_is_kept_for_the_next_request() -> None:
    ask: Callable[[socket.socket], int] = lambda connection: status(one(connection))  # noqa: E731
    with running() as run:
        connection = run.connect()
        for _ in range(5):
            connection.sendall(GET)
            assert ask(connection) == 200


def refuses(run: Running) -> bool:
    try:
        socket.create_connection(("127.0.0.1", run.port), 10).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("begun", [b"", GET[:10], GET + GET[:10]])
def test_stopping_server_answers_running_requests(monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr("app.web.protocol._GRACE_SECONDS", 20)
    with running(drain=20) as run:
        connection = run.connect(begun)
        if begun.startswith(GET):
            assert status(one(connection)) == 200
        eventually(lambda: len(run.connections) == 1, "the connection")
        run.server.should_exit = True
        eventually(lambda: refuses(run), "new connections to be refused")
        connection.sendall(GET[len(begun.removeprefix(GET)) :])
        answer = rest(connection)
    assert status(answer) == 200
    assert b"connection: close" in answer


def test_stopping_server_waits_for_requests_a_limited_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.protocol._GRACE_SECONDS", 0.1)
    with running(drain=20) as run:
        silent, idle = run.connect(), run.connect(GET)
        assert status(one(idle)) == 200
        eventually(lambda: len(run.connections) == 2, "the connections")
        run.server.should_exit = True
        assert (rest(silent), rest(idle)) == (b"", b"")
