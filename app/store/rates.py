"""Counts for rate limits in fixed windows. The counts are in this process, or in MongoDB for all processes together."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

from app.domain.errors import RateLimited
from app.domain.rates import Rate

# Characters. A longer key is hashed.
_MAX_KEY = 200
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
_TIMEOUT_MS = 1_000
# How many refused callers a process remembers.
_MAX_EXHAUSTED = 10_000
# How much the clocks of two machines may differ.
_SKEW_SECONDS = 10


# The count in the running window, and the seconds until the window ends.
Counted = tuple[int, float]


class Rates:
    """One rate limit, counted for each caller. `limit` is for example `100/second`, or `off` for no limit."""

    def __init__(
        self,
        name: str,
        limit: str,
        url: str | None = None,
        database: str = "profiles",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Counts are stored in the MongoDB at `url`, or in this process if `url` is None.

        `clock` returns seconds and never goes back.
        """
        self._name = name
        self._clock = clock
        # The callers that used up their limit, and when their window ends. `check` refuses them without a database
        # command, before the service does any work for their requests.
        self._exhausted: OrderedDict[str, tuple[Rate, float]] = OrderedDict()
        self._limit = self._window = 0
        self._memory: Memory | None = None
        self._mongodb: MongoDB | None = None
        if limit != "off":
            amount, _, period = limit.partition("/")
            self._limit, self._window = int(amount), _SECONDS[period]
            if url is None:
                self._memory = Memory(clock)
            else:
                self._mongodb = MongoDB(url, database)

    async def hit(self, caller: str, cost: int = 1) -> Rate | None:
        """Counts a request. Raises RateLimited beyond the limit.

        A request never costs more than the limit, so that it can succeed in an unused window. Returns None when there
        is no limit, or when counting failed.
        """
        # A refused request counts too, so the caller has nothing left until the window ends. Computing the cost of a
        # request is work, and a caller must not get it for nothing.
        cost, key = min(cost, self._limit), self._key(caller)
        if self._memory is not None:
            found: Counted | None = self._memory.add(key, self._window, cost)
        elif self._mongodb is not None:
            found = await self._mongodb.add(key, self._window, cost)
        else:
            return None
        if found is None:
            # The database did not answer. A limit protects the database; it must not cause an outage of its own.
            return None
        count, ends_in = found
        rate = Rate(self._name, self._limit, self._window, cost, max(0, self._limit - count), ends_in)
        if count > self._limit:
            self._remember(key, rate)
            raise RateLimited(rate)
        return rate

    def check(self, caller: str) -> None:
        """Raises RateLimited for a caller that `hit` refused in the running window. Counts nothing."""
        if not self._exhausted:
            return
        key = self._key(caller)
        found = self._exhausted.get(key)
        if found is None:
            return
        rate, ends = found
        ends_in = ends - self._clock()
        if ends_in > 0:
            raise RateLimited(replace(rate, ends_in=ends_in))
        del self._exhausted[key]

    def _remember(self, key: str, rate: Rate) -> None:
        self._exhausted[key] = rate, self._clock() + rate.ends_in
        if len(self._exhausted) > _MAX_EXHAUSTED:
            self._exhausted.popitem(last=False)

    def _key(self, caller: str) -> str:
        if len(caller) > _MAX_KEY:
            caller = sha256(caller.encode("utf-8", "replace")).hexdigest()
        return f"{self._name}/{caller}"


class Memory:
    """Counts in this process."""

    # The memory storage of the library `limits` searches all of its keys at each request, which is too slow.

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # All windows are equally long. So the oldest window is the first entry, and only the front needs a check.
        self._windows: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    def add(self, key: str, window: int, amount: int) -> Counted:
        now, windows = self._clock(), self._windows
        while windows and next(iter(windows.values()))[1] <= now:
            windows.popitem(last=False)
        count, ends = windows.get(key, (0, now + window))
        windows[key] = count + amount, ends
        return count + amount, ends - now


class MongoDB:
    """Counts for all processes, in the collection `rate_limits`."""

    def __init__(self, url: str, database: str, clock: Callable[[], float] = time.time) -> None:
        """`clock` returns the seconds since 1970, because the processes share no other clock."""
        self._clock = clock
        # The import takes a tenth of a second, and most services count in memory.
        from limits.storage import storage_from_string

        self._storage: Any = storage_from_string(
            f"async+{url}",
            database_name=database,
            counter_collection_name="rate_limits",
            serverSelectionTimeoutMS=_TIMEOUT_MS,
            timeoutMS=_TIMEOUT_MS,
        )

    async def add(self, key: str, window: int, amount: int) -> Counted | None:
        """Adds `amount` to the count. Returns None when the database does not answer."""
        try:
            count = await self._storage.incr(key, window, amount=amount)
            ends = await self._storage.get_expiry(key)
            if ends - self._clock() > window + _SKEW_SECONDS:
                # The window was stored before a clock was set back. Without this, it would refuse callers for too long.
                await self._storage.clear(key)
                count = await self._storage.incr(key, window, amount=amount)
                ends = await self._storage.get_expiry(key)
        except self._storage.base_exceptions:
            return None
        # The clocks of machines differ: a client must not be told to wait longer than one window.
        return count, min(max(0.0, ends - self._clock()), window)
