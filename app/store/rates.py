"""Counts of what callers do, in fixed windows: in this process, or in MongoDB for all processes together."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from math import ceil
from typing import Any

from limits import parse
from limits.storage import storage_from_string

from app.domain.errors import RateLimited

_MAX_KEY = 200
_SELECTION_TIMEOUT_MS = 1_000


# In the running window, and when that ends in seconds since 1970.
Counted = tuple[int, float]


@dataclass(slots=True)
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
        self._limit = self._window = 0
        self._memory: Memory | None = None
        self._mongodb: MongoDB | None = None
        if limit != "off":
            item = parse(limit)
            self._limit, self._window = item.amount, item.get_expiry()
            if url is None:
                self._memory = Memory(clock)
            else:
                self._mongodb = MongoDB(url, database)

    async def hit(self, caller: str, cost: int = 1) -> Rate | None:
        """Counts. RateLimited beyond the limit; what is beyond counts too, until the window ends.

        No request costs more than the limit. None where there is no limit, or where counting failed: a limit protects
        the database, and is not what refuses when that is down.
        """
        cost = min(cost, self._limit)
        if self._memory is not None:
            found: Counted | None = self._memory.add(self._key(caller), self._window, cost)
        elif self._mongodb is not None:
            found = await self._mongodb.add(self._key(caller), self._window, cost)
        else:
            return None
        if found is None:
            return None
        count, ends = found
        rate = Rate(self._limit, self._window, cost, max(0, self._limit - count), ends)
        if count > self._limit:
            raise RateLimited(rate.reset_in())
        return rate

    def _key(self, caller: str) -> str:
        if len(caller) > _MAX_KEY:
            caller = sha256(caller.encode("utf-8", "replace")).hexdigest()
        return f"{self._name}/{caller}"


class Memory:
    """Of one process. The memory storage that comes with limits looks through all of its keys at each request."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # All windows are equally long, so the first to begin is the first to end.
        self._windows: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    def add(self, key: str, window: int, amount: int) -> Counted:
        now, windows = self._clock(), self._windows
        while windows and next(iter(windows.values()))[1] <= now:
            windows.popitem(last=False)
        count, ends = windows.get(key, (0, now + window))
        windows[key] = found = count + amount, ends
        return found


class MongoDB:
    """Of all processes, in the collection `rate_limits`."""

    def __init__(self, url: str, database: str) -> None:
        self._storage: Any = storage_from_string(
            f"async+{url}",
            database_name=database,
            counter_collection_name="rate_limits",
            serverSelectionTimeoutMS=_SELECTION_TIMEOUT_MS,
        )

    async def add(self, key: str, window: int, amount: int) -> Counted | None:
        """None where it can't be counted."""
        try:
            return await self._storage.incr(key, window, amount=amount), await self._storage.get_expiry(key)
        except self._storage.base_exceptions:
            return None
