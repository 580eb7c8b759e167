"""What can go wrong, as values: each becomes a coded error of the API, and nothing else reaches a client."""

from collections.abc import Sequence
from enum import StrEnum

from app.domain.quantities import quantity
from app.domain.rates import Rate


class ErrorCode(StrEnum):
    """MutationErrorCode of the contract: what a client can act on."""

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


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """Input that is understood and declined; nothing was changed.

    `path` points into the input, in the names of the contract: ("patch", "address", "city").
    """

    def __init__(self, code: ErrorCode, message: str, path: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.path = tuple(path)


class VersionConflict(Refused):
    """`ifVersion` is not the current version. `current` is the object as it is now, `what` its name for a person."""

    def __init__(self, expected: int, version: int, current: object, what: str = "profile") -> None:
        message = f"The current version of the {what} is {version}, not {expected}. Read it again, then decide anew."
        super().__init__(ErrorCode.VERSION_CONFLICT, message, ("ifVersion",))
        self.current_version = version
        self.current = current


class Unauthenticated(Exception):  # noqa: N818
    """No token, or one that is no good. `error` is an RFC 6750 code, absent where no token came."""

    def __init__(self, message: str = "This needs a bearer token.", error: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.error = error


class Forbidden(Exception):  # noqa: N818
    """A good token that may not do this. `scopes` are the alternatives that would do, each a list held whole."""

    def __init__(self, message: str, scopes: Sequence[Sequence[str]] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.scopes = [list(each) for each in scopes]


class InsufficientUserAuthentication(Exception):  # noqa: N818
    """The sign-in is too long ago for this (RFC 9470). `max_age` is seconds: how recent it must be."""

    def __init__(self, max_age: int) -> None:
        self.message = f"This needs a sign-in at most {quantity(max_age, 'second')} ago."
        super().__init__(self.message)
        self.max_age = max_age


class RateLimited(Exception):  # noqa: N818
    """Too much in too short a time. `retry_after` is seconds, at least 1."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.retry_after = rate.reset_in
        self.message = f"Too many requests. Come back in {self.retry_after} s."
        super().__init__(self.message)


class TimedOut(Exception):  # noqa: N818
    """The operation took longer than it may. What a write was doing then is done whole or not at all."""

    message = "The operation took too long and was stopped. Before you repeat a write, read whether it was made."


class UserBlocked(Exception):  # noqa: N818
    """The caller's own profile is blocked: its tokens are refused everywhere."""


class Unavailable(Exception):  # noqa: N818
    """The database, or a token's issuer, does not answer in time; the same request may succeed later."""

    def __init__(self, message: str = "The database does not answer now. Try again.") -> None:
        super().__init__(message)
        self.message = message
