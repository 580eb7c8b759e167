"""What a caller has left of a rate limit."""

from dataclasses import dataclass
from math import ceil


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
