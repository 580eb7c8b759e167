"""The reasons why a profile cannot be changed: a code for programs, a text for users, and advice for developers."""

from dataclasses import dataclass
from enum import StrEnum


class RefusalCode(StrEnum):
    """The codes of refusals, RefusalCode in the schema."""

    FORBIDDEN = "FORBIDDEN"
    NEEDS_RECENT_SIGN_IN = "NEEDS_RECENT_SIGN_IN"
    PROVIDER_OWNS_IT = "PROVIDER_OWNS_IT"
    CONNECTION_FORBIDS = "CONNECTION_FORBIDS"
    ALREADY_SO = "ALREADY_SO"
    NOTHING_THERE = "NOTHING_THERE"
    LIMIT_REACHED = "LIMIT_REACHED"
    USER_BLOCKED = "USER_BLOCKED"
    MAIL_UNAVAILABLE = "MAIL_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason why a change is not possible.

    `reason` is a text for users of the product, so it names no settings. `advice` is a text for developers and
    operators: it names the setting that would allow the change.
    """

    code: RefusalCode
    reason: str
    advice: str = ""

    @property
    def message(self) -> str:
        """The text for the error of a mutation, which developers read."""
        return f"{self.reason} {self.advice}".strip()
