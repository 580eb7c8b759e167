"""Starts, restarts and stops the embedded mongod. A data directory has one owner at a time."""

import fcntl
import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from app.data_dir import file_refusal, make_data_dir
from app.settings import ConfigurationError
from app.store.embedded import replica_set
from app.store.embedded.binary import MongodError, check_binary, find_binary
from app.store.embedded.instance import OWNER_LOCK, Directory, Instance, read_instance, write_instance
from app.store.embedded.process import (
    STOP_SECONDS,
    MongodProcess,
    check_key_file,
    describe_exit,
    find_free_port,
    is_listening,
)

logger = logging.getLogger("profile_api")

_WATCH_SECONDS = 0.2
# Options that make a mongod outside of its replica set apply the oplog and store the result.
_APPLY_OPLOG = (
    *("--setParameter", "recoverFromOplogAsStandalone=true"),
    *("--setParameter", "takeUnstableCheckpointOnShutdown=true"),
)


def check_files(data_dir: Path) -> None:
    """Raises ConfigurationError when a file of an earlier start cannot be used."""
    check_key_file(data_dir)
    read_instance(data_dir)


class Mongod:
    """Owns a data directory and runs a mongod on it while the `with` block runs.

    Raises MongodError when another process owns the directory.
    """

    def __init__(self, data_dir: Path, binary: Path | None = None, cache_gigabytes: float = 0.5) -> None:
        self._data_dir = data_dir.resolve()
        self._binary = binary
        self._process = MongodProcess(self._data_dir, cache_gigabytes)
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
        return self._process.pid

    def start(self) -> str:
        """Starts mongod, waits until it accepts writes, and returns its URL.

        Raises MongodError with the last line of its log when it does not start.
        """
        binary = find_binary(self._binary)
        check_binary(binary)
        self._stopping.clear()
        make_data_dir(self._data_dir)
        (self._data_dir / "db").mkdir(parents=True, exist_ok=True, mode=0o700)
        self._take_directory()
        try:
            port, password = self._choose_instance(binary)
            self.url = self._run(binary, port, password).url
        except BaseException:
            self.stop()
            raise
        return self.url

    def keep_running(self) -> None:
        """From now on, starts mongod again on the same port whenever it ends before `stop` is called."""
        # Linux ends a mongod when the thread that started it ends. So this thread must run as long as the process.
        self._watcher = threading.Thread(target=self._watch, name="mongod", daemon=True)
        self._watcher.start()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Ends mongod, by force after `seconds`, and releases the directory. May be called more than once."""
        # The watcher must end first: otherwise it would start mongod again.
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None
        self._process.end(seconds)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _take_directory(self) -> None:
        # The system releases this lock when the process ends, even after a crash. A file with a process id would stay.
        self._lock = (self._data_dir / OWNER_LOCK).open("ab")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            self._lock = None
            raise MongodError(
                f"Another service uses {self._data_dir}. Stop it, or set PROFILE_API_DATA_DIR to another directory."
            ) from None

    def _choose_instance(self, binary: Path) -> tuple[int, str]:
        """Returns the port and the password of the earlier start, but a free port when that one is in use."""
        earlier = read_instance(self._data_dir)
        if earlier is None:
            port = find_free_port(0)
            return port, self._make_password(port)
        self._process.wait_for(lambda: not earlier.is_running(self._data_dir), "the earlier mongod to stop")
        port = find_free_port(earlier.port)
        if port != earlier.port:
            self._move(binary, Instance(0, port, earlier.password))
        return port, earlier.password

    def _make_password(self, port: int) -> str:
        """Makes a password for a new database. Raises ConfigurationError when the database exists already."""
        if any((self._data_dir / "db").iterdir()):
            raise file_refusal(
                self._data_dir / "mongod.json",
                "is missing, and it contains the password of the database in this directory",
                "restore it from a backup, or choose another directory",
            )
        # The password is stored before the database has it. The other order could lose it, and with it the data.
        password = secrets.token_urlsafe(24)
        write_instance(self._data_dir, Instance(0, port, password))
        return password

    def _run(self, binary: Path, port: int, password: str) -> Instance:
        self._process.start(binary, port, "--replSet", replica_set.NAME)
        instance = Instance(self._process.pid, port, password, Directory.of(self._data_dir))
        write_instance(self._data_dir, instance)
        # Each step needs the step before it. In a directory that was used before, the replica set and the user exist.
        self._process.wait_for(lambda: is_listening(port), "mongod to listen")
        self._process.wait_for(lambda: replica_set.is_initiated(instance), "the replica set to be initiated")
        self._process.wait_for(lambda: replica_set.is_primary(instance), "the primary to be elected")
        self._process.wait_for(lambda: replica_set.has_user(instance), "the database user to be created")
        return instance

    def _watch(self) -> None:
        instance = read_instance(self._data_dir)
        while instance is not None and not self._stopping.wait(_WATCH_SECONDS):
            if (code := self._process.exit_code()) is not None:
                logger.error("mongod ended with %s; starting it again", describe_exit(code))
                # After a failed start, the loop tries again.
                with suppress(ConfigurationError, OSError):
                    instance = self._run(find_binary(self._binary), instance.port, instance.password)

    def _move(self, binary: Path, instance: Instance) -> None:
        """Writes the new port into the configuration of the replica set."""
        lock = self._data_dir / "db" / "mongod.lock"
        if lock.exists() and lock.stat().st_size:
            # mongod was killed, or its directory was copied while it ran. A mongod outside of its replica set does not
            # apply the oplog without these options, so the last writes would be missing.
            with self._standalone(binary, instance.port, *_APPLY_OPLOG):
                pass
        with self._standalone(binary, instance.port):
            replica_set.set_port(instance)

    @contextmanager
    def _standalone(self, binary: Path, port: int, *options: str) -> Iterator[None]:
        """Runs mongod outside of its replica set while the block runs."""
        self._process.start(binary, port, *options)
        self._process.wait_for(lambda: is_listening(port), "mongod to listen")
        yield
        self._process.end()
