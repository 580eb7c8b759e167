"""Limits the load of one process. Requests beyond the limit are refused at once, so that others are answered fast."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.domain.errors import Unavailable

_BUSY = "The service is busy. Send the request again later."
# The memory limit for request bodies is this number of bodies of the maximum size.
_LARGEST_BODIES = 64


class Load:
    """Counts the operations that run, and the bytes of request bodies that are in memory."""

    def __init__(self, max_operations: int, max_body_bytes: int) -> None:
        self.running = self.bytes = 0
        self._max_operations = max_operations
        self._max_bytes = _LARGEST_BODIES * max_body_bytes

    @contextmanager
    def request(self) -> Iterator["Share"]:
        """Yields the share of one request. When the block ends, the whole share is free again."""
        share = Share(self)
        try:
            yield share
        finally:
            self.bytes -= share.bytes
            self.running -= share.is_running

    def has_room_for(self, count: int) -> bool:
        return self.bytes + count <= self._max_bytes

    def has_room_for_operation(self) -> bool:
        return self.running < self._max_operations


class Share:
    """The share of the load that one request uses."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self.bytes = 0
        self.is_running = False

    def add_bytes(self, count: int) -> None:
        """Counts more bytes of the request body. Raises Unavailable when there is no room for them."""
        if not self._load.has_room_for(count):
            raise Unavailable(_BUSY)
        self.bytes += count
        self._load.bytes += count

    def start_operation(self) -> None:
        """Counts a running operation. Raises Unavailable when too many operations run."""
        if not self._load.has_room_for_operation():
            raise Unavailable(_BUSY)
        self.is_running = True
        self._load.running += 1
