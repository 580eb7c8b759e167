"""Contention: writers of one object run one after the other in a process, and try again between processes."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar
from weakref import WeakValueDictionary

from app.domain.errors import ErrorCode, Refused
from app.store.errors import Conflict

# A fixed number of attempts would refuse many of ten writers at the same time, so the limit is a time.
DEADLINE_SECONDS = 5.0
_MAX_DELAY_SECONDS = 0.05

T = TypeVar("T")
# A tenant and the object that is written.
Name = tuple[str, str]


class Contention:
    """Runs attempts to write. `deadline` is the time limit of a write with all its attempts, in seconds."""

    def __init__(self, deadline: float = DEADLINE_SECONDS) -> None:
        self._deadline = deadline
        self._locks: WeakValueDictionary[Name, asyncio.Lock] = WeakValueDictionary()

    async def run(self, name: Name, attempt: Callable[[], Awaitable[T]]) -> T:
        """Calls `attempt` until it does not raise Conflict, and returns its result.

        Raises Refused with CONTENDED when no attempt succeeds before the deadline.
        """
        deadline = time.monotonic() + self._deadline
        async with self._take_turn(name, deadline):
            while True:
                try:
                    return await attempt()
                except Conflict:
                    await _wait(deadline)

    def is_busy(self, name: Name) -> bool:
        """Returns whether a writer of this process is writing the object."""
        lock = self._locks.get(name)
        return lock is not None and lock.locked()

    @asynccontextmanager
    async def _take_turn(self, name: Name, deadline: float) -> AsyncIterator[None]:
        lock = self._locks.setdefault(name, asyncio.Lock())
        try:
            await asyncio.wait_for(lock.acquire(), deadline - time.monotonic())
        except TimeoutError:
            raise _contended() from None
        try:
            yield
        finally:
            lock.release()


async def _wait(deadline: float) -> None:
    """Waits before the next attempt. Raises Refused with CONTENDED after the deadline."""
    # The delay is fully random (full jitter), so that two writers that conflicted do not conflict again.
    left = deadline - time.monotonic()
    if left <= 0:
        raise _contended() from None
    await asyncio.sleep(min(left, random.uniform(0, _MAX_DELAY_SECONDS)))  # noqa: S311 - spreads writers, hides nothing


def _contended() -> Refused:
    message = "Other requests kept changing the same object, so nothing was changed. Send the request again."
    return Refused(ErrorCode.CONTENDED, message)
