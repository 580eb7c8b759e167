"""Runs random sequences of operations, and compares the answers with the model of the rules in tests/authorization."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.main import build
from app.preparation import complete, prepare
from app.settings import Settings
from app.store.database import Database
from app.store.embedded.mongod import Mongod
from tests.authorization.sequences import sequences
from tests.authorization.stage import MARKER, UNLIMITED, Report, Stage

SEQUENCES = 2_000


def main() -> int:
    arguments = [int(each) for each in sys.argv[1:3]]
    number, start = (*arguments, *(SEQUENCES, 0)[len(arguments) :])
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Mongod(Path(folder)) as mongod:
        report = run(number, start, Settings(data_dir=Path(folder), **UNLIMITED), mongod.url)
    seconds = time.monotonic() - began
    print(
        f"{number} sequences, {report.operations} operations: {report.writes} changed data,"
        f" {report.refusals} were refused. {len(report.differences)} differences, {seconds:.0f} s"
    )
    for kind, examples in by_kind(report.differences).items():
        print(f"\n{len(examples)} differences of this kind: {kind}\n{min(examples, key=len)}")
    return 1 if report.differences else 0


def by_kind(differences: list[str]) -> dict[str, list[str]]:
    """Groups differences whose first lines are equal without the values in them."""
    found: dict[str, list[str]] = {}
    for each in differences:
        first = next(line for line in each.splitlines() if not line.startswith("  "))
        found.setdefault(MARKER.sub("...", first)[:100], []).append(each)
    return found


def run(number: int, start: int, service: Settings, url: str) -> Report:
    """Runs the sequences on one event loop. A difference ends its sequence, and the next sequence begins."""
    report, loop = Report(), asyncio.new_event_loop()
    database = Database.connect(url, "check")
    loop.run_until_complete(prepare(service, database, development=True, demo=False))
    loop.run_until_complete(complete(service, database))
    transport = httpx.ASGITransport(app=build(service, database))
    client = httpx.AsyncClient(transport=transport, base_url="http://localhost")

    @seed(start)
    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(sequence=sequences())
    def check(sequence: Any) -> None:
        setting, steps = sequence
        loop.run_until_complete(Stage(database, client, service.data_dir, setting).run(steps, report))

    check()
    loop.run_until_complete(client.aclose())
    database.close()
    loop.close()
    return report


if __name__ == "__main__":
    sys.exit(main())
