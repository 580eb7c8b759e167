"""Runs the service as operators do: `profile-api serve` in its own process."""

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
    """A running service. `process` is the parent, which has started the workers."""

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
    """Returns the environment for a command, without PROFILE_API_ variables from outside."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PROFILE_API_")}
    return {**inherited, "PROFILE_API_DATA_DIR": str(data_dir), **variables}


def eventually(happened: Callable[[], object], what: str) -> None:
    """Waits until `happened` returns a true value. Fails after DEADLINE_SECONDS; `what` is for the message."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"waited too long for {what}"
        time.sleep(0.05)


@contextmanager
def serve(data_dir: Path, *arguments: str, log: Path | None = None, **variables: Any) -> Iterator[Served]:
    """Serves from the beginning of the block, when the service is ready, to its end. Writes its log to `log`."""
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
        raise AssertionError("the service printed no URL")
    served = Served(found.group(1), process, data_dir)
    eventually(served.is_ready, "the service to be ready")
    return served
