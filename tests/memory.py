"""A directory in memory for the database of a test process."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The folder inside has an unpredictable name, so no other user can create it first.
_MEMORY = Path("/dev/shm")  # noqa: S108
_NEEDED_BYTES = 2_000_000_000
_PREFIX = "profile-api-tests-"


@contextmanager
def memory_directory() -> Iterator[Path]:
    """Creates a directory in memory, or on the disk when there is not enough memory. It is removed at the end.

    The database waits for the disk at every write. On a busy disk, that makes tests slow, and some operations time out.
    """
    has_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _NEEDED_BYTES
    if has_memory:
        _remove_leftovers()
    prefix = f"{_PREFIX}{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=_MEMORY if has_memory else None) as folder:
        yield Path(folder)


def _remove_leftovers() -> None:
    """Removes the directories of test processes that were killed. They would take memory until the next restart."""
    for folder in _MEMORY.glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if not Path("/proc", pid).exists():
            shutil.rmtree(folder, ignore_errors=True)
