"""Requests per second, latency and CPU of the service, beside a bare endpoint that does one find_one.

Each case is asked over HTTP of a server process, and in this process without HTTP. All are asked in turn, round after
round, so that a machine that grows slower does so for all of them: compare the ratios, not the microseconds.
"""

import argparse
import asyncio
import gc
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from bench_cases import RATE_LIMIT, Case, Commands, bare_application, cases, service_application
from bench_ways import Connect, in_process, over_http
from pymongo import monitoring

from app.auth.development import APPLICATION_SCOPES, USER_SCOPES, mint
from app.domain.demo import JOHN_DOE
from app.engine.execution import Engine

CALLERS = (1, 32)
# A cached role or connection may be read again by one of them, but not by all.
COUNTED_REQUESTS = 3


@dataclass(frozen=True)
class Target:
    """A case, where it is asked, and the process that answers. `way` is HTTP or in process."""

    case: Case
    way: str
    pid: int
    connect: Connect


@dataclass(frozen=True)
class Measured:
    """One measurement: requests per second, latencies in ms, the server's CPU for each request in us."""

    rate: float
    p50: float
    p99: float
    cpu: float


Results = dict[tuple[str, str, int], list[Measured]]


def cpu_seconds(pid: int) -> float:
    """The CPU time of all threads of a process; the clock's id is that of clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | 2)


async def measure(target: Target, callers: int, seconds: float) -> Measured:
    latencies: list[float] = []
    before, start = cpu_seconds(target.pid), time.perf_counter()
    await asyncio.gather(*(_call(target, number, start + seconds, latencies) for number in range(callers)))
    elapsed, cpu = time.perf_counter() - start, cpu_seconds(target.pid) - before
    latencies.sort()
    return Measured(
        rate=len(latencies) / elapsed,
        p50=latencies[len(latencies) // 2] * 1e3,
        p99=latencies[int(len(latencies) * 0.99)] * 1e3,
        cpu=cpu / len(latencies) * 1e6,
    )


async def _call(target: Target, number: int, until: float, latencies: list[float]) -> None:
    """One caller, request after request, and at least one."""
    case = target.case
    token = case.tokens[number % len(case.tokens)]
    async with target.connect() as send:
        while not latencies or time.perf_counter() < until:
            body, start = case.body(), time.perf_counter()
            answer = await send(token, body)
            latencies.append(time.perf_counter() - start)
            case.check(answer)


async def count_commands(target: Target, commands: Commands) -> list[str]:
    """The database commands of one request."""
    async with target.connect() as send:
        counted = []
        for _ in range(COUNTED_REQUESTS):
            commands.names.clear()
            target.case.check(await send(target.case.tokens[0], target.case.body()))
            counted.append(list(commands.names))
    return min(counted, key=len)


@contextmanager
def clock_of_engine() -> Iterator[list[float]]:
    """A list that receives the CPU seconds of each operation that the engine of this process runs alone."""
    spent: list[float] = []
    execute = Engine.execute

    async def timed(*arguments: Any) -> Any:
        before = time.process_time()
        try:
            return await execute(*arguments)
        finally:
            spent.append(time.process_time() - before)

    Engine.execute = timed  # type: ignore[assignment, method-assign]
    try:
        yield spent
    finally:
        Engine.execute = execute  # type: ignore[method-assign]


async def measure_edge(target: Target, seconds: float) -> float:
    """CPU of what surrounds the engine (authentication, limits, log, metrics) for each request, in us."""
    with clock_of_engine() as spent:
        whole = await measure(target, 1, seconds)
    return whole.cpu - statistics.fmean(spent) * 1e6


@contextmanager
def process(*arguments: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server process until the block ends. Its log is written, and read by nobody."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PROFILE_API_")}
    variables = {f"PROFILE_API_{name.upper()}": value for name, value in variables.items()}
    started = subprocess.Popen(
        [sys.executable, *arguments], env=kept | variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait(30)


def wait_for(started: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if started.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{started.args!r} did not start") from None
            time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def targets() -> AsyncIterator[list[Target]]:
    """Each case over HTTP and in this process. The bare one comes first of each."""
    port, bare_port = free_port(), free_port()
    # -P: the code is that of the installation, whatever the current folder contains.
    serve = ("-P", "-c", "from app.cli import main; main()", "serve", "--demo", "--port", str(port))
    with (
        tempfile.TemporaryDirectory() as folder,
        process(*serve, data_dir=folder, rate_limit=RATE_LIMIT, address_rate_limit=RATE_LIMIT) as service,
    ):
        wait_for(service, port)
        with process(__file__, "--serve-bare", f"{folder}:{bare_port}") as bare:
            wait_for(bare, bare_port)
            data_dir = Path(folder)
            applications = {True: bare_application(data_dir), False: service_application(data_dir)}
            servers = {True: (bare_port, bare.pid), False: (port, service.pid)}
            found = []
            for case in await make_cases(data_dir, port):
                served_at, pid = servers[case.is_bare]
                found.append(Target(case, "HTTP", pid, over_http(served_at, case.path)))
                inside = in_process(applications[case.is_bare], case.path)
                found.append(Target(case, "in process", os.getpid(), inside))
            yield sorted(found, key=lambda each: each.way)


async def make_cases(data_dir: Path, port: int) -> list[Case]:
    def token(subject: str) -> str:
        scopes = APPLICATION_SCOPES if subject.endswith("@clients") else USER_SCOPES
        return mint(data_dir, subject, "bench", scopes, 3600)

    application = token("bench@clients")
    async with over_http(port, "/graphql")() as send:
        answer = await send(application, b'{"query": "{ users(first: 50) { nodes { userId blocked } } }"}')
    users = [each["userId"] for each in json.loads(answer)["data"]["users"]["nodes"] if not each["blocked"]]
    return cases(token(JOHN_DOE), [token(each) for each in users[: max(CALLERS)]], application)


async def run(rounds: int, seconds: float) -> dict[str, Any]:
    monitoring.register(commands := Commands())
    results: Results = {}
    edge: list[float] = []
    async with targets() as found:
        sent = {}
        for each in found:
            await measure(each, 4, min(seconds, 1.0))
            if each.way == "in process":
                sent[each.case.name] = await count_commands(each, commands)
        # As in the service: collections that look through what lives as long as the process would stop requests.
        gc.collect()
        gc.freeze()
        [constant] = [each for each in found if (each.case.name, each.way) == ("constant", "in process")]
        for _ in range(rounds):
            for callers in CALLERS:
                for each in found:
                    key = each.case.name, each.way, callers
                    results.setdefault(key, []).append(await measure(each, callers, seconds))
            edge.append(await measure_edge(constant, seconds))
    return report(results, edge, sent)


def report(results: Results, edge: Sequence[float], sent: dict[str, list[str]]) -> dict[str, Any]:
    """Prints the medians of the rounds, and the ratios with their spread. Returns them too."""
    figures: dict[str, Any] = {"commands": sent}
    print(
        f"{'':16}{'way':12}{'callers':>7}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'CPU us':>9}"
        "   CPU, as a multiple of bare find_one"
    )
    bare = next(iter(results))[0]
    for (name, way, callers), rounds in results.items():
        row = {key: statistics.median(getattr(each, key) for each in rounds) for key in ("rate", "p50", "p99", "cpu")}
        ratios = [one.cpu / other.cpu for one, other in zip(rounds, results[bare, way, callers], strict=True)]
        row["ratio"] = statistics.median(ratios)
        print(
            f"{name:16}{way:12}{callers:>7}{row['rate']:>12.0f}{row['p50']:>9.2f}{row['p99']:>9.2f}{row['cpu']:>9.0f}"
            f"   {row['ratio']:.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        )
        figures[f"{name}/{way}/{callers}"] = row
    figures["edge"] = statistics.median(edge)
    print(
        "\nAuthentication, limits, log and metrics around the engine, in process:"
        f" {figures['edge']:.0f} us ({min(edge):.0f} to {max(edge):.0f})"
    )
    print("\nDatabase commands of one request:")
    for name, commands in sent.items():
        print(f"{name:16}{len(commands):>2}  {' '.join(commands)}")
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement; 21 are one round")
    parser.add_argument("--json", type=Path, help="write the medians there too")
    parser.add_argument("--serve-bare", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve_bare:
        folder, _, port = options.serve_bare.rpartition(":")
        application = bare_application(Path(folder))
        uvicorn.run(application, port=int(port), access_log=False, server_header=False, log_level="warning")
        return
    figures = uvloop.run(run(options.rounds, options.seconds))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
