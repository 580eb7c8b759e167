"""The state of a rate limit: the limit, how much of it remains, and when its window ends."""

from dataclasses import dataclass
from math import ceil
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """The state of a rate limit for one caller. `policy` is the name of the limit.

    `window` and `ends_in` are seconds: the length of the window, and the time until it ends. `cost` is the part of the
    limit that this request used.
    """

    policy: str
    limit: int
    window: int
    cost: int
    remaining: int
    ends_in: float

    @property
    def reset_in(self) -> int:
        """Whole seconds until the window ends, at least 1."""
        return max(1, ceil(self.ends_in))


class RateCounter(Protocol):
    """Counts the requests of callers for one rate limit."""

    async def hit(self, caller: str, cost: int = 1) -> Rate | None:
        """Counts a request. Raises RateLimited beyond the limit. Returns None when there is no limit."""
        ...

    def check(self, caller: str) -> None:
        """Raises RateLimited for a caller that `hit` refused in the running window. Counts nothing."""
        ...
