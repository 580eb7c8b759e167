"""Starts and ends the process of the embedded mongod, with its options, key file and log files."""

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
# Loaded at import: in a process with threads, a child that loads a library between fork and exec can deadlock.
_LIBC = ctypes.CDLL(None)
_MAX_LOG_LINE = 500
_KEY_FILE = "mongod.key"
_KEPT_LOGS = 5


class MongodProcess:
    """Runs at most one mongod process on a data directory."""

    def __init__(self, data_dir: Path, cache_gigabytes: float) -> None:
        self._data_dir = data_dir
        self._cache_gigabytes = cache_gigabytes
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def exit_code(self) -> int | None:
        """Returns None while the process runs, and when no process was started."""
        return None if self._process is None else self._process.poll()

    def start(self, binary: Path, port: int, *options: str) -> None:
        key_file = self._ensure_key_file()
        rotate(self._log)
        parent = os.getpid()
        # The process has its own session: Ctrl-C must reach only the service, which ends its requests before mongod.
        self._process = subprocess.Popen(  # noqa: S603
            [str(binary), *self._arguments(port, key_file), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            # This must run in the new process before it becomes mongod. It only makes system calls, so that it never
            # waits for a lock that a thread of this process has.
            preexec_fn=lambda: _die_with(parent),  # noqa: PLW1509
        )

    def end(self, seconds: float = STOP_SECONDS) -> None:
        """Ends the process, by force after `seconds`. May be called more than once."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            # No data is lost: every acknowledged write is in the journal.
            self._process.kill()
            self._process.wait()
        self._process = None

    def wait_for(self, happened: Callable[[], bool], what: str) -> None:
        """Waits until `happened` returns true. `what` describes it for the error message.

        Raises MongodError when the process ends first, or after READY_SECONDS.
        """
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
        # mongod requires a key file for a replica set with users, even if the set has a single member.
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
            # MongoDB 6.0.5 can answer a compressed message with uninitialized memory (CVE-2025-14847).
            *("--networkMessageCompressors", "disabled"),
            *("--wiredTigerCacheSizeGB", str(self._cache_gigabytes)),
            *("--oplogSize", "256"),
            *("--logpath", str(self._log)),
            "--quiet",
        ]

    def _last_log_line(self) -> str:
        """Returns the last error in the log, or the last line if there is no error."""
        # mongod writes JSON lines, and no password among them, so a message may repeat a line.
        lines: list[str] = []
        with suppress(OSError):
            lines = self._log.read_text(errors="replace").splitlines()
        errors = [each for each in lines if '"s":"E"' in each or '"s":"F"' in each]
        last = (errors or lines or ["the log is empty"])[-1]
        with suppress(ValueError, TypeError, KeyError):
            line = json.loads(last)
            last = f"{line['msg']} {json.dumps(line.get('attr', {}))}"
        return f"{last[:_MAX_LOG_LINE]} (see {self._log})"


def check_key_file(data_dir: Path) -> None:
    """Raises ConfigurationError when the key file is empty. A missing key file is created at the start."""
    key_file = data_dir / _KEY_FILE
    if key_file.exists() and not key_file.stat().st_size:
        raise file_refusal(key_file, "is empty", "delete it, and the next start creates a new one")


def rotate(log: Path) -> None:
    """Renames the log, so that the next run begins a new one. The logs of the last 5 runs stay."""
    # An operator looks for the cause of a crash after the restart: the restart must not overwrite the log.
    for number in range(_KEPT_LOGS, 0, -1):
        older = log if number == 1 else log.with_name(f"{log.name}.{number - 1}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number}"))


def describe_exit(code: int) -> str:
    """Describes the exit status of a process, or the signal that ended the process."""
    if code >= 0:
        return f"exit status {code}"
    with suppress(ValueError):
        return f"signal {signal.Signals(-code).name}"
    return f"signal {-code}"


def find_free_port(wanted: int) -> int:
    """Returns the wanted port if it is free, else another port of 127.0.0.1."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise MongodError(
        "127.0.0.1 has no free port for the embedded mongod. End other programs, or set PROFILE_API_MONGODB_URL."
    )


def is_listening(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _die_with(parent: int) -> None:
    """Makes sure that the calling process ends when `parent` ends. The child process calls it before it runs mongod."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # The parent may have ended before prctl: then no signal comes.
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
