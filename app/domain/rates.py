"""The state of a rate limit: the limit, what remains of it, and when it is full again."""

from dataclasses import dataclass
from math import ceil
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """`policy` names the limit. `window` and `ends_in` are seconds, `cost` is what this request took."""

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
    """Counts what callers do against one limit, wherever the counts are stored."""

    async def hit(self, caller: str, cost: int = 1) -> Rate | None:
        """Counts. Raises RateLimited beyond the limit. Returns None where there is no limit."""
        ...

    def check(self, caller: str) -> None:
        """Raises RateLimited for a caller that is known to have nothing left. Counts nothing."""
        ...
