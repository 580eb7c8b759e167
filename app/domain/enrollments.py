"""Second factors that the login service enrolled. Their secrets stay with the login service."""

import re
from dataclasses import dataclass
from datetime import datetime

from app.domain.commits import SideEffect
from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key

# Maximum number of enrollments of one user.
MAX_ENROLLMENTS = 50
# Maximum number of characters of a masked name that stay visible.
_VISIBLE = 4
_PHONE_NUMBER = re.compile(r"\+?[\d\s()./-]{6,}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrollment:
    """A stored second factor. `enrollment_id` is its id in the login service. `name` is masked."""

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
    """Stores an enrollment, or updates the stored one with the same id."""

    enrollment: Enrollment

    def refusal(self) -> Refused:
        message = f"A user can have at most {MAX_ENROLLMENTS} second factors."
        return Refused(ErrorCode.TOO_LARGE, message, ("enrollmentId",))


@dataclass(frozen=True, slots=True)
class RemoveEnrollments(SideEffect):
    """Deletes all of these enrollments, or none of them."""

    ids: tuple[Key, ...]

    def refusal(self) -> Refused:
        return Refused(ErrorCode.NOT_FOUND, "The user does not have one of these second factors.", ("ids",))


def masked(name: str) -> str:
    """Masks an e-mail address (`chuc****@exam*******`) or a phone number (`XXXXXXXX5044`), as Auth0 does.

    Returns any other name, such as the name of a device, unchanged.
    """
    local, at, domain = name.rpartition("@")
    if at and local:
        return f"{_starred(local)}@{_starred(domain)}"
    if _PHONE_NUMBER.fullmatch(name):
        digits = "".join(each for each in name if each.isdigit())
        return "X" * (len(digits) - _VISIBLE) + digits[-_VISIBLE:]
    return name


def _starred(text: str) -> str:
    # At least half of a short text is hidden too.
    visible = min(_VISIBLE, len(text) // 2)
    return text[:visible] + "*" * (len(text) - visible)
