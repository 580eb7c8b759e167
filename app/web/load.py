"""The load limit of one process: requests beyond it are refused at once, so that the others are answered in time."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.domain.errors import Unavailable

_BUSY = "The service is busy. Try again."
# Room for this many of the largest bodies.
_LARGEST_BODIES = 64


class Load:
    """Counts the operations that run, and the bytes of the request bodies that are held."""

    def __init__(self, max_operations: int, max_body_bytes: int) -> None:
        self.running = self.held = 0
        self._max_operations = max_operations
        self._max_held = _LARGEST_BODIES * max_body_bytes

    @contextmanager
    def request(self) -> Iterator["Share"]:
        """What one request takes; all of it is given back when the block ends."""
        share = Share(self)
        try:
            yield share
        finally:
            self.held -= share.held
            self.running -= share.is_running

    def has_room_for(self, count: int) -> bool:
        return self.held + count <= self._max_held

    def has_room_for_operation(self) -> bool:
        return self.running < self._max_operations


class Share:
    """Of one request."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self.held = 0
        self.is_running = False

    def hold(self, count: int) -> None:
        """Takes room for so many more bytes of its body. Raises Unavailable when there is none."""
        if not self._load.has_room_for(count):
            raise Unavailable(_BUSY)
        self.held += count
        self._load.held += count

    def run(self) -> None:
        """Takes the place of an operation. Raises Unavailable when there is none."""
        if not self._load.has_room_for_operation():
            raise Unavailable(_BUSY)
        self.is_running = True
        self._load.running += 1
