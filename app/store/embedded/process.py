"""The process of the embedded mongod: its options, its key file, its logs and its end."""

import ctypes
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from app.data_dir import file_refusal
from app.store.embedded.binary import MongodError
from app.store.embedded.instance import write_private

READY_SECONDS = 30.0
STOP_SECONDS = 10.0
_POLL_SECONDS = 0.03
_PR_SET_PDEATHSIG = 1
# Loaded before any fork: a child of a process with threads must not load anything between fork and exec.
_LIBC = ctypes.CDLL(None)
_MAX_LOG_LINE = 500
_KEY_FILE = "mongod.key"
_KEPT_LOGS = 5


class MongodProcess:
    """At most one process of mongod on a data directory."""

    def __init__(self, data_dir: Path, cache_gigabytes: float) -> None:
        self._data_dir = data_dir
        self._cache_gigabytes = cache_gigabytes
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs, and when none was started."""
        return None if self._process is None else self._process.poll()

    def start(self, binary: Path, port: int, *options: str) -> None:
        key_file = self._ensure_key_file()
        rotate(self._log)
        parent = os.getpid()
        # The process has its own session, so that Ctrl-C reaches the service first.
        self._process = subprocess.Popen(  # noqa: S603
            [str(binary), *self._arguments(port, key_file), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: _die_with(parent),
        )

    def end(self, seconds: float = STOP_SECONDS) -> None:
        """Ends the process by force after `seconds`: its journal keeps what was written. It can be repeated."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def wait_for(self, happened: Callable[[], bool], what: str) -> None:
        """MongodError when the process ends first, or after READY_SECONDS."""
        deadline = time.monotonic() + READY_SECONDS
        while not happened():
            if (code := self.exit_code()) is not None:
                raise MongodError(f"mongod ended with {describe_exit(code)}: {self._last_log_line()}")
            if time.monotonic() > deadline:
                raise MongodError(f"mongod: waited {READY_SECONDS:.0f} s for {what}: {self._last_log_line()}")
            time.sleep(_POLL_SECONDS)

    @property
    def _log(self) -> Path:
        return self._data_dir / "mongod.log"

    def _ensure_key_file(self) -> Path:
        """The members of a replica set with users need one, even a single member."""
        key_file = self._data_dir / _KEY_FILE
        if not key_file.exists():
            write_private(key_file, b64encode(secrets.token_bytes(96)).decode())
        check_key_file(self._data_dir)
        return key_file

    def _arguments(self, port: int, key_file: Path) -> list[str]:
        return [
            *("--dbpath", str(self._data_dir / "db")),
            *("--port", str(port)),
            *("--bind_ip", "127.0.0.1"),
            "--nounixsocket",
            *("--keyFile", str(key_file)),
            # MongoDB 6.0.5 answers compressed messages with uninitialized memory (CVE-2025-14847).
            *("--networkMessageCompressors", "disabled"),
            *("--wiredTigerCacheSizeGB", str(self._cache_gigabytes)),
            *("--oplogSize", "256"),
            *("--logpath", str(self._log)),
            "--quiet",
        ]

    def _last_log_line(self) -> str:
        """The last error, or else the last line. A line of the log is JSON and holds no password."""
        lines: list[str] = []
        with suppress(OSError):
            lines = self._log.read_text(errors="replace").splitlines()
        errors = [each for each in lines if '"s":"E"' in each or '"s":"F"' in each]
        last = (errors or lines or ["it wrote no log"])[-1]
        with suppress(ValueError, TypeError, KeyError):
            line = json.loads(last)
            last = f"{line['msg']} {json.dumps(line.get('attr', {}))}"
        return f"{last[:_MAX_LOG_LINE]} (all of it in {self._log})"


def check_key_file(data_dir: Path) -> None:
    """ConfigurationError for a key file that mongod does not accept. A missing file is made at the start."""
    key_file = data_dir / _KEY_FILE
    if key_file.exists() and not key_file.stat().st_size:
        raise file_refusal(key_file, "is empty", "delete it, and the next start makes another")


def rotate(log: Path) -> None:
    """Keeps the logs of earlier runs: the cause of a crash is read after the next start."""
    for number in range(_KEPT_LOGS, 0, -1):
        older = log if number == 1 else log.with_name(f"{log.name}.{number - 1}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number}"))


def describe_exit(code: int) -> str:
    """The exit status of a process, or the signal that ended it."""
    if code >= 0:
        return f"exit status {code}"
    with suppress(ValueError):
        return f"signal {signal.Signals(-code).name}"
    return f"signal {-code}"


def find_free_port(wanted: int) -> int:
    """The wanted port if it is free, else another."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise MongodError("No free port on loopback.")


def is_listening(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _die_with(parent: int) -> None:
    """Runs in the child before it becomes mongod: ends it when the parent ends, or has ended already."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
