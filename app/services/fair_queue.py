"""Fair queue: runs a few jobs at once in threads, for work that keeps a core busy. Callers take turns."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from app.domain.errors import ErrorCode, Refused, Unavailable

T = TypeVar("T")


class FairQueue:
    """Runs at most `slots` jobs at the same time.

    When jobs wait, callers get free slots in rotation. Many jobs of one caller delay another caller by one job at most.
    """

    def __init__(self, slots: int, max_waiting: int, max_waiting_of_caller: int) -> None:
        """At most `max_waiting` jobs wait in total, and `max_waiting_of_caller` jobs of one caller."""
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="password")
        self._free = slots
        self._max_waiting = max_waiting
        self._max_waiting_of_caller = max_waiting_of_caller
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    async def run(self, caller: str, job: Callable[..., T], *arguments: Any) -> T:
        """Runs the job in a thread and returns its result. Raises what the job raises.

        Raises Refused with RATE_LIMITED when too many jobs of this caller wait, and Unavailable when too many jobs wait
        in total.
        """
        await self._wait_for_slot(caller)
        loop = asyncio.get_running_loop()
        running = self._threads.submit(job, *arguments)

        def release(_: Future[T]) -> None:
            # A job cannot be stopped. When its caller is gone, its slot is still in use until the job ends.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._release)

        running.add_done_callback(release)
        return await asyncio.wrap_future(running)

    async def _wait_for_slot(self, caller: str) -> None:
        if self._free:
            self._free -= 1
            return
        own = self._waiting.get(caller, ())
        if len(own) >= self._max_waiting_of_caller:
            raise Refused(
                ErrorCode.RATE_LIMITED, "Too many of your requests with passwords are waiting. Try again later."
            )
        if sum(map(len, self._waiting.values())) >= self._max_waiting:
            raise Unavailable("Too many password requests are waiting. Try again later.")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._leave(caller, turn)
            else:
                # The slot was given to this job in the moment of its cancellation: without this, it would be lost.
                self._release()
            raise

    def _leave(self, caller: str, turn: asyncio.Future[None]) -> None:
        own = self._waiting.get(caller)
        if own is not None and turn in own:
            own.remove(turn)
            if not own:
                del self._waiting[caller]

    def _release(self) -> None:
        """Gives the slot to the first caller in the rotation, who then becomes the last."""
        while self._waiting:
            caller, own = self._waiting.popitem(last=False)
            turn = own.popleft()
            if own:
                self._waiting[caller] = own
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
