"""Measures the service and a minimal endpoint with one find_one: requests per second, latency and CPU time.

Each case is measured over HTTP with a server process, and without HTTP in this process. The rounds alternate between
all cases, so that other load on the machine affects all of them. Compare the ratios, because the microseconds depend on
the machine.
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
# The fewest database commands of these requests are reported: one of them can read an expired cache again, but not all.
COUNTED_REQUESTS = 3


@dataclass(frozen=True)
class Target:
    """A case, how its requests are sent, and the process that answers. `way` is "HTTP" or "in process"."""

    case: Case
    way: str
    pid: int
    connect: Connect


@dataclass(frozen=True)
class Measured:
    """One measurement: requests per second, latencies in ms, and CPU time of the server per request in us."""

    rate: float
    p50: float
    p99: float
    cpu: float


Results = dict[tuple[str, str, int], list[Measured]]


def cpu_seconds(pid: int) -> float:
    """Returns the CPU time of all threads of a process. The id of the clock is that of clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | 2)


async def measure(target: Target, callers: int, seconds: float) -> Measured:
    latencies: list[float] = []
    before, start = cpu_seconds(target.pid), time.perf_counter()
    await asyncio.gather(*(_send_requests(target, number, start + seconds, latencies) for number in range(callers)))
    elapsed, cpu = time.perf_counter() - start, cpu_seconds(target.pid) - before
    latencies.sort()
    return Measured(
        rate=len(latencies) / elapsed,
        p50=latencies[len(latencies) // 2] * 1e3,
        p99=latencies[int(len(latencies) * 0.99)] * 1e3,
        cpu=cpu / len(latencies) * 1e6,
    )


async def _send_requests(target: Target, number: int, until: float, latencies: list[float]) -> None:
    """Sends the requests of one caller one after the other until the end time, and at least one."""
    case = target.case
    token = case.tokens[number % len(case.tokens)]
    async with target.connect() as send:
        while not latencies or time.perf_counter() < until:
            body, start = case.body(), time.perf_counter()
            answer = await send(token, body)
            latencies.append(time.perf_counter() - start)
            case.check(answer)


async def count_commands(target: Target, commands: Commands) -> list[str]:
    """Returns the names of the database commands that one request causes."""
    async with target.connect() as send:
        counted = []
        for _ in range(COUNTED_REQUESTS):
            commands.names.clear()
            target.case.check(await send(target.case.tokens[0], target.case.body()))
            counted.append(list(commands.names))
    return min(counted, key=len)


@contextmanager
def engine_times() -> Iterator[list[float]]:
    """Yields a list. While the block runs, the CPU seconds of each operation in the engine are added to the list.

    The requests must not overlap, because the clock is that of the whole process.
    """
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
    """Returns the CPU time per request outside of the engine (authentication, limits, log, metrics), in us."""
    with engine_times() as spent:
        whole = await measure(target, 1, seconds)
    return whole.cpu - statistics.fmean(spent) * 1e6


@contextmanager
def process(*arguments: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a server process while the block runs. The log is written, because it is part of the work, and discarded."""
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
    """Yields each case over HTTP and in this process. The minimal endpoint is the first of each."""
    port, bare_port = free_port(), free_port()
    # With -P, Python does not import modules from the current folder, which can contain another version of the code.
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
        # The service does the same at its start, so that garbage collections are short.
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
    """Prints and returns the medians of the rounds. Prints the ratios with their minimum and maximum."""
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
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds")
    parser.add_argument("--seconds", type=float, default=1.0, help="seconds per measurement, of which a round has 21")
    parser.add_argument("--json", type=Path, help="a file for the medians")
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
