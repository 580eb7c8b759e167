"""Writers of one object: those of this process take turns, those of several processes try again."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar
from weakref import WeakValueDictionary

from app.domain.errors import ErrorCode, Refused
from app.store.errors import Conflict

DEADLINE_SECONDS = 5.0
_MAX_DELAY_SECONDS = 0.05

T = TypeVar("T")
# A tenant, and what is written in it.
Name = tuple[str, str]


class Contention:
    """Each attempt either commits or raises Conflict. `deadline` is how many seconds a write may take in all."""

    def __init__(self, deadline: float = DEADLINE_SECONDS) -> None:
        self._deadline = deadline
        self._locks: WeakValueDictionary[Name, asyncio.Lock] = WeakValueDictionary()

    async def run(self, name: Name, attempt: Callable[[], Awaitable[T]]) -> T:
        """What `attempt` returns. It is called again when another writer committed first.

        Refused with CONTENDED when there is no turn or no success before the deadline.
        """
        deadline = time.monotonic() + self._deadline
        async with self._turn(name, deadline):
            while True:
                try:
                    return await attempt()
                except Conflict:
                    await _wait(deadline)

    def is_busy(self, name: Name) -> bool:
        """Whether another writer of this process has its turn."""
        lock = self._locks.get(name)
        return lock is not None and lock.locked()

    @asynccontextmanager
    async def _turn(self, name: Name, deadline: float) -> AsyncIterator[None]:
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
    """Full jitter, so that writers who met once do not meet again."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise _contended() from None
    await asyncio.sleep(min(left, random.uniform(0, _MAX_DELAY_SECONDS)))  # noqa: S311 - spreads writers, hides nothing


def _contended() -> Refused:
    message = "Other writers changed this again and again, so nothing was changed. Send it again."
    return Refused(ErrorCode.CONTENDED, message)
