"""The embedded database: a real mongod as a one-member replica set on loopback, owned by the process that starts it."""

import ctypes
import fcntl
import json
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from pymongo.errors import OperationFailure, PyMongoError

from app.data_dir import file_refusal, make_data_dir
from app.settings import ConfigurationError
from app.store.addresses import (
    OWNER_LOCK,
    Address,
    Directory,
    connect,
    read_address,
    write_address,
    write_private,
)
from app.store.binary import MongodError, check_binary, find_binary

logger = logging.getLogger("profile_api")

READY_SECONDS = 30.0
STOP_SECONDS = 10.0
_POLL_SECONDS = 0.03
_WATCH_SECONDS = 0.2
_REPLICA_SET = "rs0"
_USER = "profile-api"
_PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec a child of threads loads nothing.
_LIBC = ctypes.CDLL(None)
_ALREADY_INITIALIZED = 23
_UNAUTHORIZED = 13
_MAX_COMPLAINT = 500
_KEPT_LOGS = 5
_APPLY_OPLOG = (
    *("--setParameter", "recoverFromOplogAsStandalone=true"),
    *("--setParameter", "takeUnstableCheckpointOnShutdown=true"),
)


class Mongod:
    """Owns the directory and the process while the block runs. One for each directory: MongodError for a second."""

    def __init__(self, data_dir: Path, binary: Path | None = None, cache_gigabytes: float = 0.5) -> None:
        self._data_dir = data_dir.resolve()
        self._binary = binary
        self._cache_gigabytes = cache_gigabytes
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[bytes] | None = None
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None
        self.url = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process
        return self._process.pid

    def start(self) -> str:
        """Returns the URL once a primary takes writes. MongodError with the end of its log where it does not."""
        binary = find_binary(self._binary)
        check_binary(binary)
        self._stopping.clear()
        make_data_dir(self._data_dir)
        (self._data_dir / "db").mkdir(parents=True, exist_ok=True, mode=0o700)
        self._take_directory()
        try:
            before = read_address(self._data_dir)
            self._wait_for(
                lambda: before is None or not before.is_running(self._data_dir), "the mongod before it to stop"
            )
            port = _free_port(before.port if before else 0)
            password = before.password if before else self._new_password(port)
            if before and before.port != port:
                self._move(binary, Address(0, port, password))
            self.url = self._run(binary, port, password).url
        except BaseException:
            self.stop()
            raise
        return self.url

    def _new_password(self, port: int) -> str:
        """Stored before the database has it, so that a password in use is never lost."""
        if any((self._data_dir / "db").iterdir()):
            raise file_refusal(
                self._data_dir / "mongod.json",
                "is missing beside the database whose password it holds",
                "restore it from a backup, or choose another directory",
            )
        password = secrets.token_urlsafe(24)
        write_address(self._data_dir, Address(0, port, password))
        return password

    def _run(self, binary: Path, port: int, password: str) -> Address:
        self._process = self._spawn(binary, port, "--replSet", _REPLICA_SET)
        address = Address(self._process.pid, port, password, Directory.of(self._data_dir))
        write_address(self._data_dir, address)
        self._make_ready(address)
        return address

    def keep_running(self) -> None:
        """From here on starts it again, on its port, whenever it ends before `stop`."""
        # The thread lives as long as this process: a mongod dies with the thread that started it.
        self._watcher = threading.Thread(target=self._watch, name="mongod", daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        address = read_address(self._data_dir)
        while address is not None and not self._stopping.wait(_WATCH_SECONDS):
            if self._process is not None and self._process.poll() is not None:
                logger.error("mongod ended with %s; starting it again", describe_exit(self._process.returncode))
                # What fails now is tried again at the next look.
                with suppress(ConfigurationError, OSError):
                    address = self._run(find_binary(self._binary), address.port, address.password)

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Ends it well, and by force after `seconds`: its journal keeps what was written. It can be repeated."""
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None
        self._end_process(seconds)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _end_process(self, seconds: float = STOP_SECONDS) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _take_directory(self) -> None:
        """A lock that ends with its holder, however that ends."""
        self._lock = (self._data_dir / OWNER_LOCK).open("ab")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            self._lock = None
            raise MongodError(
                f"Another service uses {self._data_dir}. Stop it, or set PROFILE_API_DATA_DIR to another directory."
            ) from None

    def _move(self, binary: Path, address: Address) -> None:
        """Tells the replica set that its one member has another port: a member that can't find itself never starts."""
        lock = self._data_dir / "db" / "mongod.lock"
        if lock.exists() and lock.stat().st_size:
            # Killed, or copied while it ran: outside a replica set mongod sees what the oplog holds only after this.
            with self._alone(binary, address.port, *_APPLY_OPLOG):
                pass
        host = f"127.0.0.1:{address.port}"
        with self._alone(binary, address.port), suppress(OperationFailure), connect(address.url) as client:
            client["local"]["system.replset"].update_one({}, {"$set": {"members.0.host": host}, "$inc": {"version": 1}})

    @contextmanager
    def _alone(self, binary: Path, port: int, *options: str) -> Iterator[None]:
        """mongod outside its replica set, while the block runs."""
        self._process = self._spawn(binary, port, *options)
        self._wait_for(lambda: _answers(port), "mongod to listen")
        yield
        self._end_process()

    def _spawn(self, binary: Path, port: int, *options: str) -> subprocess.Popen[bytes]:
        key_file, log = self._data_dir / "mongod.key", self._data_dir / "mongod.log"
        if not key_file.exists():
            write_private(key_file, b64encode(secrets.token_bytes(96)).decode())
        elif not key_file.stat().st_size:
            raise file_refusal(key_file, "is empty", "delete it, and the next start makes another")
        _rotate(log)
        arguments = [
            str(binary),
            *("--dbpath", str(self._data_dir / "db")),
            *("--port", str(port)),
            *("--bind_ip", "127.0.0.1"),
            "--nounixsocket",
            *options,
            *("--keyFile", str(key_file)),
            # 6.0.5 answers compressed messages with memory of others (CVE-2025-14847).
            *("--networkMessageCompressors", "disabled"),
            *("--wiredTigerCacheSizeGB", str(self._cache_gigabytes)),
            *("--oplogSize", "256"),
            *("--logpath", str(log)),
            "--quiet",
        ]
        parent = os.getpid()
        # A session of its own, so that Ctrl-C reaches the service first.
        return subprocess.Popen(  # noqa: S603
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: _die_with(parent),
        )

    def _make_ready(self, address: Address) -> None:
        # Each of these holds once the one before it does; a directory that was used before has the first two.
        self._wait_for(lambda: _answers(address.port), "mongod to listen")
        self._wait_for(lambda: _is_member(address), "the replica set to be made")
        self._wait_for(lambda: _is_primary(address), "a primary")
        self._wait_for(lambda: _has_user(address), "the user to be made")

    def _wait_for(self, happened: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not happened():
            if self._process is not None and self._process.poll() is not None:
                raise MongodError(f"mongod ended with {describe_exit(self._process.returncode)}: {self._log_end()}")
            if time.monotonic() > deadline:
                raise MongodError(f"mongod: waited {READY_SECONDS:.0f} s for {what}: {self._log_end()}")
            time.sleep(_POLL_SECONDS)

    def _log_end(self) -> str:
        """The last complaint, in one line; a log line is JSON and holds no password."""
        log = self._data_dir / "mongod.log"
        lines: list[str] = []
        with suppress(OSError):
            lines = log.read_text(errors="replace").splitlines()
        complaints = [each for each in lines if '"s":"E"' in each or '"s":"F"' in each]
        last = (complaints or lines or ["it wrote no log"])[-1]
        with suppress(ValueError, TypeError, KeyError):
            line = json.loads(last)
            last = f"{line['msg']} {json.dumps(line.get('attr', {}))}"
        return f"{last[:_MAX_COMPLAINT]} (all of it in {log})"


def _rotate(log: Path) -> None:
    """Keeps the logs of the runs before: why one crashed is read after the next has started."""
    for number in range(_KEPT_LOGS, 0, -1):
        older = log if number == 1 else log.with_name(f"{log.name}.{number - 1}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number}"))


def describe_exit(code: int | None) -> str:
    """Of a process: its exit status, or the signal that ended it."""
    if code is None or code >= 0:
        return f"exit status {code}"
    with suppress(ValueError):
        return f"signal {signal.Signals(-code).name}"
    return f"signal {-code}"


def _is_member(address: Address) -> bool:
    """Makes the replica set, through the exception that a server without users grants to loopback."""
    host = f"127.0.0.1:{address.port}"
    try:
        with connect(address.anonymous_url) as client:
            client.admin.command("replSetInitiate", {"_id": _REPLICA_SET, "members": [{"_id": 0, "host": host}]})
    except OperationFailure as error:
        # Refused where there are users: then it was made in an earlier life.
        return error.code in (_ALREADY_INITIALIZED, _UNAUTHORIZED)
    except PyMongoError:
        return False
    return True


def _is_primary(address: Address) -> bool:
    try:
        with connect(address.anonymous_url) as client:
            return bool(client.admin.command("hello").get("isWritablePrimary"))
    except PyMongoError:
        return False


def _has_user(address: Address) -> bool:
    try:
        with connect(address.url) as client:
            return bool(client.admin.command("ping"))
    except OperationFailure:
        return _make_user(address)
    except PyMongoError:
        return False


def _make_user(address: Address) -> bool:
    """False: it is there at the next look. MongodError when the database has a user with another password."""
    try:
        with connect(address.anonymous_url) as client:
            client.admin.command("createUser", _USER, pwd=address.password, roles=["root", "__system"])
    except OperationFailure as error:
        if error.code == _UNAUTHORIZED:
            raise MongodError(
                "PROFILE_API_DATA_DIR: the database has another password than mongod.json."
                " Restore mongod.json from a backup, or choose another directory."
            ) from None
    except PyMongoError:
        pass
    return False


def _die_with(parent: int) -> None:
    """In the child, before it becomes mongod: end when the parent does, also if it is gone already."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def _free_port(wanted: int) -> int:
    """The wanted one where it is free, else another."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise MongodError("No free port on loopback.")


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
