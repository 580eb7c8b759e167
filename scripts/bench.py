"""Requests per second, latency and CPU of the service beside a bare endpoint that does the same find_one, and what
the edge costs: authentication, limits, metrics and logs, on a resolver that returns a constant.

All are asked in turn, round after round, so that a machine that grows slower does so for all of them.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.auth.development import APPLICATION_SCOPES, TENANT, USER_SCOPES, mint
from app.composition.secrets import build_tokens
from app.composition.services import build_services
from app.domain.demo import JOHN_DOE
from app.domain.principals import ActorKind, Principal
from app.engine.execution import Engine
from app.main import build
from app.schema.build import build_schema
from app.settings import Settings
from app.store.database import Database
from app.store.embedded.instance import find_url
from app.web.application import Parts, build_application
from app.web.logs import configure_logs
from app.web.pages import GraphiQL
from app.web.requests import read_headers, read_request, response_type
from app.web.responses import to_response

FIELDS = (
    "userId version name givenName familyName nickname picture email emailVerified userMetadata lastLogin loginsCount"
    " identities { provider connection isPrimary } roles { name }"
)
PATHS = (
    "user_id version name given_name family_name nickname picture email email_verified user_metadata last_login"
    " logins_count identities.provider identities.connection role_ids"
)
CALLERS = (1, 32)
TICK = os.sysconf("SC_CLK_TCK")


def bare() -> Starlette:
    """What anyone would write: one find_one, its document as JSON."""
    url = find_url(Path(os.environ["PROFILE_API_DATA_DIR"]))
    assert url
    users = Database.connect(url, "profiles")["users"]
    projection = dict.fromkeys(PATHS.split(), 1)

    def to_json(value: object) -> str:
        return value.isoformat(timespec="milliseconds") + "Z" if isinstance(value, datetime) else str(value)

    async def profile(request: Request) -> Response:
        found = await users.find_one({"tenant": TENANT, "user_id": JOHN_DOE}, projection)
        return Response(orjson.dumps(found, default=to_json), media_type="application/json")

    return Starlette(routes=[Route("/profile", profile, methods=["POST"])])


def constant(edge: bool) -> ASGIApp:
    """`{ caller { kind } }`, which asks no database: with all that stands around it, or with the engine alone."""
    data_dir = Path(os.environ["PROFILE_API_DATA_DIR"])
    settings = Settings(data_dir=data_dir, rate_limit="100000000/second", address_rate_limit="100000000/second")
    url = find_url(data_dir)
    assert url
    database = Database.connect(url, "profiles")
    if edge:
        configure_logs("json")
        return build(settings, database)
    engine = Engine(build_schema(), build_services(settings, database, True, build_tokens(settings, True)))
    principal = Principal(TENANT, "bench@clients", ActorKind.APPLICATION, frozenset(APPLICATION_SCOPES))

    class Bare:
        """GraphQL over HTTP and nothing more."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            headers = read_headers(scope)
            request = await read_request(scope, receive, headers, 1_000_000)
            answer = await engine.execute(request, principal)
            await to_response(answer, response_type(headers))(scope, receive, send)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield

    async def ready() -> None: ...

    bare: Any = Bare()
    return build_application(Parts(bare, bare, lambda: True, ready, lifespan, GraphiQL(True), development=True))


@dataclass
class Target:
    """A request to send over and over, and the process that answers it."""

    name: str
    port: int
    pid: int
    request: bytes


@dataclass
class Measured:
    """One round: requests per second, latencies in ms, server CPU per request in us."""

    rate: float
    p50: float
    p99: float
    cpu: float


def http(path: str, body: bytes, token: str) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: */*\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def call(target: Target, until: float, latencies: list[float]) -> None:
    """One caller on one connection, request after request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    while time.perf_counter() < until:
        start = time.perf_counter()
        writer.write(target.request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        latencies.append(time.perf_counter() - start)
        if not head.startswith(b"HTTP/1.1 200") or b'"errors"' in body:
            raise SystemExit(f"{target.name} answered {head + body!r}")
    writer.close()


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


async def measure(target: Target, callers: int, seconds: float) -> Measured:
    latencies: list[float] = []
    before, start = cpu_seconds(target.pid), time.perf_counter()
    await asyncio.gather(*(call(target, start + seconds, latencies) for _ in range(callers)))
    elapsed, cpu = time.perf_counter() - start, cpu_seconds(target.pid) - before
    latencies.sort()
    return Measured(
        rate=len(latencies) / elapsed,
        p50=latencies[len(latencies) // 2] * 1e3,
        p99=latencies[int(len(latencies) * 0.99)] * 1e3,
        cpu=cpu / len(latencies) * 1e6,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(*arguments: str, data_dir: Path, port: int) -> Iterator[int]:
    """A server process until the block ends; begins when its port answers."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PROFILE_API_")}
    environment = {**kept, "PROFILE_API_DATA_DIR": str(data_dir), "PYTHONPATH": str(Path.cwd())}
    # Logs are written, and read by nobody.
    started = subprocess.Popen(
        [sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if started.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{arguments} did not start") from None
                time.sleep(0.05)
        yield started.pid
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait(30)


@contextmanager
def targets() -> Iterator[list[Target]]:
    with ExitStack() as stack:
        data_dir = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port, bare_port = free_port(), free_port()
        serve = ("-c", "from app.cli import main; main()", "serve", "--demo", "--port", str(port))
        pid = stack.enter_context(process(*serve, data_dir=data_dir, port=port))
        bare_pid = stack.enter_context(
            process(__file__, "--serve-bare", str(bare_port), data_dir=data_dir, port=bare_port)
        )
        ports = free_port(), free_port()
        pids = [
            stack.enter_context(process(__file__, option, str(each), data_dir=data_dir, port=each))
            for option, each in zip(("--serve-edge", "--serve-no-edge"), ports, strict=True)
        ]
        john = mint(data_dir, JOHN_DOE, "bench", USER_SCOPES, 3600)
        tool = mint(data_dir, "bench@clients", "bench", APPLICATION_SCOPES, 3600)
        viewer = json.dumps({"query": f"{{ viewer {{ {FIELDS} }} }}"}).encode()
        users = json.dumps({"query": f"{{ users(first: 50) {{ nodes {{ {FIELDS} }} }} }}"}).encode()
        kind = json.dumps({"query": "{ caller { kind } }"}).encode()
        yield [
            Target("a  bare find_one", bare_port, bare_pid, http("/profile", viewer, john)),
            Target("b  viewer", port, pid, http("/graphql", viewer, john)),
            Target("c  50 users", port, pid, http("/graphql", users, tool)),
            Target("d  constant", ports[0], pids[0], http("/graphql", kind, tool)),
            Target("e  without edge", ports[1], pids[1], http("/graphql", kind, tool)),
        ]


async def run(rounds: int, seconds: float) -> dict[tuple[str, int], list[Measured]]:
    results: dict[tuple[str, int], list[Measured]] = {}
    with targets() as all_targets:
        for target in all_targets:
            await measure(target, 4, min(seconds, 1.0))
        for _ in range(rounds):
            for callers in CALLERS:
                for target in all_targets:
                    results.setdefault((target.name, callers), []).append(await measure(target, callers, seconds))
    return results


def ratios(results: dict[tuple[str, int], list[Measured]], callers: int) -> list[float]:
    """(b)/(a) in CPU, round by round."""
    names = sorted({name for name, _ in results})
    pairs = zip(results[names[1], callers], results[names[0], callers], strict=True)
    return [b.cpu / a.cpu for b, a in pairs]


def edge_costs(results: dict[tuple[str, int], list[Measured]], callers: int) -> list[float]:
    """(d) - (e) in us of CPU a request, round by round."""
    names = sorted({name for name, _ in results})
    pairs = zip(results[names[3], callers], results[names[4], callers], strict=True)
    return [d.cpu - e.cpu for d, e in pairs]


def tell(results: dict[tuple[str, int], list[Measured]]) -> dict[str, Any]:
    """Prints medians; returns them too."""
    print(f"{'':18}{'callers':>8}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'CPU us':>9}")
    figures: dict[str, Any] = {}
    for (name, callers), rounds in sorted(results.items(), key=lambda each: (each[0][1], each[0][0])):
        row = {key: statistics.median(getattr(each, key) for each in rounds) for key in ("rate", "p50", "p99", "cpu")}
        print(f"{name:18}{callers:>8}{row['rate']:>12.0f}{row['p50']:>9.2f}{row['p99']:>9.2f}{row['cpu']:>9.0f}")
        figures[f"{name.split()[0]}/{callers}"] = row
    for callers in CALLERS:
        found = ratios(results, callers)
        middle = statistics.median(found)
        print(f"(b)/(a) in CPU at {callers:>2} callers: {middle:.2f} ({min(found):.2f} to {max(found):.2f})")
        figures[f"ratio/{callers}"] = middle
    costs = edge_costs(results, CALLERS[-1])
    middle = statistics.median(costs)
    print(f"the edge, (d) - (e), at {CALLERS[-1]} callers: {middle:.0f} us ({min(costs):.0f} to {max(costs):.0f})")
    figures["edge"] = middle
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement; ten make a round")
    parser.add_argument("--json", type=Path, help="write the medians there too")
    for option in ("--serve-bare", "--serve-edge", "--serve-no-edge"):
        parser.add_argument(option, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    for port, make in (
        (options.serve_bare, bare),
        (options.serve_edge, partial(constant, edge=True)),
        (options.serve_no_edge, partial(constant, edge=False)),
    ):
        if port:
            uvicorn.run(make(), port=port, access_log=False, server_header=False, log_level="warning")
            return
    figures = tell(uvloop.run(run(options.rounds, options.seconds)))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
