"""Jobs that keep a core busy: few at once, in threads, and callers take turns."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from app.domain.errors import ErrorCode, Refused, Unavailable

T = TypeVar("T")


class FairQueue:
    """Runs `slots` jobs at once. Of each caller one job is next in line; the others wait behind it.

    Callers get free slots in rotation, so that many jobs of one caller delay another caller by one job at most.
    """

    def __init__(self, slots: int, most: int, most_of_one: int) -> None:
        """`most` jobs wait in all, `most_of_one` of one caller."""
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="password")
        self._free = slots
        self._most = most
        self._most_of_one = most_of_one
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    async def run(self, caller: str, job: Callable[..., T], *arguments: Any) -> T:
        """What the job returns or raises. Refused with RATE_LIMITED where too many jobs of this caller wait already;
        Unavailable where too many wait in all.
        """
        await self._turn(caller)
        loop = asyncio.get_running_loop()
        running = self._threads.submit(job, *arguments)

        def ended(_: Future[T]) -> None:
            # A job cannot be stopped: its slot is free when it ends, even if nobody waits for it any more.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._release)

        running.add_done_callback(ended)
        return await asyncio.wrap_future(running)

    async def _turn(self, caller: str) -> None:
        if self._free:
            self._free -= 1
            return
        own = self._waiting.get(caller, ())
        if len(own) >= self._most_of_one:
            raise Refused(ErrorCode.RATE_LIMITED, "Too many passwords of yours wait to be processed. Try again later.")
        if sum(map(len, self._waiting.values())) >= self._most:
            raise Unavailable("Too many passwords wait to be processed. Try again later.")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._leave(caller, turn)
            else:
                self._release()
            raise

    def _leave(self, caller: str, turn: asyncio.Future[None]) -> None:
        own = self._waiting.get(caller)
        if own is not None and turn in own:
            own.remove(turn)
            if not own:
                del self._waiting[caller]

    def _release(self) -> None:
        """Gives the slot to the next caller, whose other jobs then wait behind those of all others."""
        while self._waiting:
            caller, own = self._waiting.popitem(last=False)
            turn = own.popleft()
            if own:
                self._waiting[caller] = own
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
