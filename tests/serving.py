"""The service as operators run it: `profile-api serve` in processes of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

DEADLINE_SECONDS = 30.0


@dataclass
class Served:
    """A running service."""

    url: str
    process: subprocess.Popen[str]
    data_dir: Path

    def is_ready(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        return False


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from app.cli import main; main()", *arguments]


def environment(data_dir: Path, **variables: str) -> dict[str, str]:
    """Nothing of the caller's own configuration."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PROFILE_API_")}
    return {**kept, "PROFILE_API_DATA_DIR": str(data_dir), **variables}


def eventually(happened: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"waited too long for {what}"
        time.sleep(0.05)


@contextmanager
def serve(data_dir: Path, *arguments: str, log: Path | None = None, **variables: Any) -> Iterator[Served]:
    """Ready when the block begins, ended when it ends. What it logs goes to `log`."""
    with (log or Path(os.devnull)).open("w") as errors:
        process = _started(data_dir, arguments, variables, errors)
    try:
        yield _ready(process, data_dir)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _started(
    data_dir: Path, arguments: tuple[str, ...], variables: dict[str, str], errors: IO[str]
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command("serve", "--port", "0", *arguments),
        env=environment(data_dir, **variables),
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )


def _ready(process: subprocess.Popen[str], data_dir: Path) -> Served:
    assert process.stdout
    for line in process.stdout:
        found = re.search(r"GraphQL\s+(http\S+)/graphql", line)
        if found:
            break
    else:
        raise AssertionError("the service said no address")
    served = Served(found.group(1), process, data_dir)
    eventually(served.is_ready, "the service to be ready")
    return served
