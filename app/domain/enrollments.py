"""Second factors, as the login service enrolled them. What they are made of stays with it."""

import re
from dataclasses import dataclass
from datetime import datetime

from app.domain.commits import SideEffect
from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key

# Of one user.
MAX_ENROLLMENTS = 50
_SHOWN = 4
_PHONE_NUMBER = re.compile(r"\+?[\d\s()./-]{6,}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrollment:
    """`enrollment_id` is the login service's name of it; `name` is masked."""

    id: Key
    tenant: str
    user: Key
    enrollment_id: str
    type: str
    name: str | None
    status: str
    enrolled_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class PutEnrollment(SideEffect):
    """Records it, or how it is now."""

    enrollment: Enrollment

    def refusal(self) -> Refused:
        message = f"A user has at most {MAX_ENROLLMENTS} second factors."
        return Refused(ErrorCode.TOO_LARGE, message, ("enrollmentId",))


@dataclass(frozen=True, slots=True)
class RemoveEnrollments(SideEffect):
    """All of them or none."""

    ids: tuple[Key, ...]

    def refusal(self) -> Refused:
        return Refused(ErrorCode.NOT_FOUND, "The user has no such second factor.", ("ids",))


def masked(name: str) -> str:
    """As Auth0 does: `chuc****@exam*******` of an address, `XXXXXXXX5044` of a number; what is neither stays."""
    local, at, domain = name.rpartition("@")
    if at and local:
        return f"{_starred(local)}@{_starred(domain)}"
    if _PHONE_NUMBER.fullmatch(name):
        digits = "".join(each for each in name if each.isdigit())
        return "X" * (len(digits) - _SHOWN) + digits[-_SHOWN:]
    return name


def _starred(text: str) -> str:
    """At least the half of it is hidden."""
    shown = min(_SHOWN, len(text) // 2)
    return text[:shown] + "*" * (len(text) - shown)
