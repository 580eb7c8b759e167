"""Why something cannot be done to a profile: a code for programs, a reason for people, advice for integrators."""

from dataclasses import dataclass
from enum import StrEnum


class RefusalCode(StrEnum):
    """RefusalCode of the contract."""

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
    """`reason` is for a person who uses the product and names no setting. `advice` is for who integrates or operates
    it: which setting would allow the change.
    """

    code: RefusalCode
    reason: str
    advice: str = ""

    @property
    def message(self) -> str:
        """The text for the error of a mutation, which integrators read."""
        return f"{self.reason} {self.advice}".strip()
