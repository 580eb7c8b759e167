"""Counts of what callers do, in fixed windows: in this process, or in MongoDB for all processes together."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from math import ceil
from typing import Any

from limits import parse
from limits.aio.storage import Storage
from limits.storage import storage_from_string

from app.domain.errors import RateLimited

_MAX_KEY = 200
_SELECTION_TIMEOUT_MS = 1_000


@dataclass(frozen=True, slots=True)
class Rate:
    """What one caller has left. `window` is seconds, `reset_at` seconds since 1970, `cost` what this request took."""

    limit: int
    window: int
    cost: int
    remaining: int
    reset_at: float

    def reset_in(self) -> int:
        """Whole seconds until the window ends, at least 1."""
        return max(1, ceil(self.reset_at - time.time()))


class Rates:
    """One limit for many callers. `limit` is as `100/second`; off: nobody is counted."""

    def __init__(
        self,
        name: str,
        limit: str,
        url: str | None = None,
        database: str = "profiles",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`url` is MongoDB's, where the counts are kept there; else they are kept here, timed by `clock`."""
        self._name = name
        self._item = None if limit == "off" else parse(limit)
        self._storage: Any = None
        if self._item is not None:
            self._storage = Memory(clock) if url is None else _mongodb(url, database)

    async def hit(self, caller: str, cost: int = 1) -> Rate | None:
        """Counts. RateLimited beyond the limit; what is beyond counts too, until the window ends.

        No request costs more than the limit. None where there is no limit, or where counting failed: a limit protects
        the database, and is not what refuses when that is down.
        """
        if self._item is None:
            return None
        key = self._key(caller)
        limit, window = self._item.amount, self._item.get_expiry()
        cost = min(cost, limit)
        try:
            count = await self._storage.incr(key, window, amount=cost)
            reset_at = await self._storage.get_expiry(key)
        except self._storage.base_exceptions:
            return None
        rate = Rate(limit, window, cost, max(0, limit - count), reset_at)
        if count > limit:
            raise RateLimited(rate.reset_in())
        return rate

    def _key(self, caller: str) -> str:
        if len(caller) > _MAX_KEY:
            caller = sha256(caller.encode("utf-8", "replace")).hexdigest()
        return f"{self._name}/{caller}"


class Memory(Storage):
    """Of one process. The memory storage that comes with limits looks through all of its keys at each request."""

    STORAGE_SCHEME = ["async+fixed-windows"]

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        # All windows are equally long, so the first to begin is the first to end.
        self._windows: OrderedDict[str, tuple[int, float]] = OrderedDict()

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def __len__(self) -> int:
        return len(self._windows)

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = self._clock()
        while self._windows and next(iter(self._windows.values()))[1] <= now:
            self._windows.popitem(last=False)
        count, ends = self._windows.get(key, (0, now + expiry))
        self._windows[key] = count + amount, ends
        return count + amount

    async def get(self, key: str) -> int:
        return self._windows.get(key, (0, 0.0))[0]

    async def get_expiry(self, key: str) -> float:
        return self._windows.get(key, (0, self._clock()))[1]

    async def check(self) -> bool:
        return True

    async def reset(self) -> int:
        count = len(self._windows)
        self._windows.clear()
        return count

    async def clear(self, key: str) -> None:
        self._windows.pop(key, None)


def _mongodb(url: str, database: str) -> Any:
    return storage_from_string(
        f"async+{url}",
        database_name=database,
        counter_collection_name="rate_limits",
        serverSelectionTimeoutMS=_SELECTION_TIMEOUT_MS,
    )
