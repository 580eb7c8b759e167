"""The file mongod.json of a data directory: the process id, port and password of the mongod that serves it.

The file has the mode 0600, because its password gives access to all profiles.
"""

import fcntl
import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from app.data_dir import file_refusal

OWNER_LOCK = "owner.lock"
_FILE = "mongod.json"
USER = "profile-api"
_WAIT_SECONDS = 30.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Directory:
    """Identifies a data directory. A copy has another path, inode or device."""

    path: str
    device: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Self:
        found = path.resolve().stat()
        return cls(str(path.resolve()), found.st_dev, found.st_ino)


@dataclass(frozen=True, slots=True)
class Instance:
    """A mongod that serves a data directory. `directory` is None while the mongod has not been started yet."""

    pid: int
    port: int
    password: str
    directory: Directory | None = None

    @property
    def url(self) -> str:
        """The URL with the user of the service and the password."""
        # The URL has directConnection=true: a client must not ask the replica set for its member, which may have moved
        # to another port.
        return self._url(f"{USER}:{self.password}@", "&authSource=admin")

    @property
    def anonymous_url(self) -> str:
        return self._url("", "")

    def _url(self, user: str, options: str) -> str:
        return f"mongodb://{user}127.0.0.1:{self.port}/?directConnection=true{options}"

    def is_running(self, data_dir: Path) -> bool:
        """Whether its process is still running and serves this directory."""
        # A copied directory has a copy of the file too, but the process serves the original directory.
        with suppress(OSError):
            return self.directory == Directory.of(data_dir) and is_mongod(self.pid)
        return False


def read_instance(data_dir: Path) -> Instance | None:
    """Returns None when no mongod was ever started on the directory.

    Raises ConfigurationError when the file cannot be read, or does not describe a mongod.
    """
    path = data_dir / _FILE
    try:
        stored = json.loads(path.read_text())
        known = stored.get("directory")
        directory = Directory(str(known["path"]), int(known["device"]), int(known["inode"])) if known else None
        return Instance(int(stored["pid"]), int(stored["port"]), str(stored["password"]), directory)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise file_refusal(path, f"cannot be read ({error.strerror})", "check its owner and mode") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        remedy = "restore it from a backup, because it contains the password of the database"
        raise file_refusal(path, "does not describe a database", remedy) from None


def write_instance(data_dir: Path, instance: Instance) -> None:
    write_private(data_dir / _FILE, json.dumps(asdict(instance)))


def find_url(data_dir: Path) -> str | None:
    """Returns the URL of the mongod that serves this directory and accepts writes. Returns None when there is none."""
    instance = read_instance(data_dir)
    return instance.url if instance and instance.is_running(data_dir) and is_writable(instance) else None


def wait_for_url(data_dir: Path) -> str | None:
    """Like `find_url`, but waits up to 30 seconds while a service owns the directory and starts its mongod."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while (url := find_url(data_dir)) is None and _is_owned(data_dir) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return url


def is_writable(instance: Instance) -> bool:
    """Whether the mongod is a primary and accepts the password."""
    try:
        with connect(instance.url) as client:
            return bool(client.admin.command("hello").get("isWritablePrimary") and client.admin.command("ping"))
    except PyMongoError:
        return False


def connect(url: str) -> MongoClient[dict[str, Any]]:
    """Makes a client for one command."""
    # A new client each time: one that was refused waits long before it tries again.
    return MongoClient(url, serverSelectionTimeoutMS=2_000, connectTimeoutMS=2_000)


def is_mongod(pid: int) -> bool:
    """Whether the process with this id is running and is a mongod."""
    if sys.platform != "linux":
        return _is_process(pid)
    # The system uses the ids of ended processes again, so the command line is checked too.
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return b"mongod" in command and state != "Z"


def _is_process(pid: int) -> bool:
    """Whether a process with this id is running, for systems without /proc."""
    with suppress(OSError):
        os.kill(pid, 0)
        return pid > 0
    return False


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner can read. Replaces an existing file in one step."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    # The mode is set when the file is created. With a later chmod, another user could open the file in between.
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _is_owned(data_dir: Path) -> bool:
    """Whether a running service has locked the directory."""
    try:
        with (data_dir / OWNER_LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
