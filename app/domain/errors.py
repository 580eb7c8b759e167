"""The errors that a caller can cause or meet. The API turns each of them into an error with a code.

Any other exception becomes INTERNAL without its text, so that no internal detail reaches a client.
"""

from collections.abc import Sequence
from enum import StrEnum

from app.domain.quantities import quantity
from app.domain.rates import Rate


class ErrorCode(StrEnum):
    """The codes of mutation errors, MutationErrorCode in the schema."""

    INVALID_INPUT = "INVALID_INPUT"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    NOT_EDITABLE = "NOT_EDITABLE"
    FORBIDDEN = "FORBIDDEN"
    FORBIDDEN_FIELD = "FORBIDDEN_FIELD"
    TOO_LARGE = "TOO_LARGE"
    USER_BLOCKED = "USER_BLOCKED"
    RATE_LIMITED = "RATE_LIMITED"
    CONTENDED = "CONTENDED"
    MAIL_UNAVAILABLE = "MAIL_UNAVAILABLE"
    LOGIN_RULE_FAILED = "LOGIN_RULE_FAILED"


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not a defect
    """The service understood the input and refused it. Nothing was changed.

    `path` points into the input, with the names of the schema: ("patch", "address", "city").
    """

    def __init__(self, code: ErrorCode, message: str, path: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.path = tuple(path)


class VersionConflict(Refused):
    """`ifVersion` is not the current version. `current` is the present object, and `what` is a word for it."""

    def __init__(self, expected: int, version: int, current: object, what: str = "profile") -> None:
        message = f"The current version of the {what} is {version}, not {expected}. Read the {what} and try again."
        super().__init__(ErrorCode.VERSION_CONFLICT, message, ("ifVersion",))
        # The client gets the present object with the error, so it needs no further request to merge its change.
        self.current_version = version
        self.current = current


class Unauthenticated(Exception):  # noqa: N818
    """The request has no token, or an invalid one. `error` is a code of RFC 6750, or None when there is no token."""

    def __init__(self, message: str = "This request needs a bearer token.", error: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.error = error


class Forbidden(Exception):  # noqa: N818
    """The token is valid but does not allow this. Each list in `scopes` would allow it, if the token had all of it."""

    def __init__(self, message: str, scopes: Sequence[Sequence[str]] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.scopes = [list(each) for each in scopes]


class InsufficientUserAuthentication(Exception):  # noqa: N818
    """The user signed in too long ago for this (RFC 9470). `max_age` is the allowed age in seconds."""

    def __init__(self, max_age: int) -> None:
        self.message = f"This is only possible within {quantity(max_age, 'second')} after a sign-in. Sign in again."
        super().__init__(self.message)
        self.max_age = max_age


class RateLimited(Exception):  # noqa: N818
    """The caller exceeded a rate limit. `retry_after` is a number of seconds, at least 1."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.retry_after = rate.reset_in
        self.message = f"Too many requests. Try again in {quantity(self.retry_after, 'second')}."
        super().__init__(self.message)


class TimedOut(Exception):  # noqa: N818
    """The operation exceeded its time limit. A running write was committed completely or not at all."""

    message = "The operation took too long and was stopped. Before you repeat a write, check whether it was made."


class SearchTimedOut(TimedOut):
    """A search took longer than it may and was stopped in the database."""

    message = (
        "The search took too long and was stopped. Add a condition that few users meet, such as an exact value or the"
        " beginning of a name."
    )


class UserBlocked(Exception):  # noqa: N818
    """The caller's own profile is blocked, so the service refuses all of the user's tokens."""


class Unavailable(Exception):  # noqa: N818
    """The database, or the issuer of a token, does not answer in time. The same request may succeed later."""

    def __init__(self, message: str = "The database does not answer at present. Try again later.") -> None:
        super().__init__(message)
        self.message = message
