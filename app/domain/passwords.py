"""Passwords: which ones are taken, as NIST SP 800-63B has it."""

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.domain.connections import CONNECTION_GONE, AuthConnection, AuthConnectionKind, owned_by_provider
from app.domain.errors import ErrorCode, Refused
from app.domain.refusals import Refusal, RefusalCode
from app.domain.users import Beside, User

# Characters. Fewer will do where a second factor is always asked for.
MIN_LENGTH = 15
MIN_LENGTH_WITH_MFA = 8
MAX_LENGTH = 128
# A shorter identifier would be found in too many words.
_MIN_IDENTIFIER = 4


@dataclass(frozen=True, slots=True)
class Credential:
    """What is kept of a user's password: its hash, and how often it was set."""

    hash: str
    version: int


def version_of(credential: Credential | None) -> int:
    """0 where there is none."""
    return 0 if credential is None else credential.version


@dataclass(frozen=True, slots=True)
class SetPassword(Beside):
    """Sets the user's password; `version` is that of the credential it replaces, 0 where there is none."""

    hash: str
    version: int


def normalized(password: str) -> str:
    """One form for what looks the same, however it was typed (NFKC, as SP 800-63B asks)."""
    return unicodedata.normalize("NFKC", password)


def check_password(
    password: str, identifiers: Iterable[str | None], minimum: int, is_common: Callable[[str], bool], path: str
) -> None:
    """Refused with INVALID_INPUT and `path`. `is_common` takes what it asks about in lower case."""
    text = normalized(password)
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in text):
        raise _refused("A password holds no control characters.", path)
    if not minimum <= len(text) <= MAX_LENGTH:
        raise _refused(f"A password has {minimum} to {MAX_LENGTH} characters.", path)
    folded = text.casefold()
    if is_common(folded) or _is_repetition(folded):
        raise _refused("This password is among those that are tried first. Choose another.", path)
    if any(each in folded for each in _words(identifiers)):
        raise _refused("A password does not hold the address or name that it belongs to.", path)


def identifiers_of(user: User) -> tuple[str | None, ...]:
    return (user.email, user.username, user.phone_number)


def why_no_password(connection: AuthConnection | None) -> Refusal | None:
    """Returns None when this service keeps the passwords of the connection's users."""
    if connection is None:
        return CONNECTION_GONE
    if connection.kind is AuthConnectionKind.DATABASE:
        return None
    if connection.kind is AuthConnectionKind.CUSTOM_DATABASE and connection.import_mode:
        return None
    if connection.kind is AuthConnectionKind.PASSWORDLESS:
        reason = f"Accounts of {connection.name} have no password: they sign in with a code."
        return Refusal(RefusalCode.CONNECTION_FORBIDS, reason)
    return owned_by_provider(connection, "keeps the password itself")


def _words(identifiers: Iterable[str | None]) -> set[str]:
    """Each identifier, and of an address what stands before the @."""
    words = {normalized(each).casefold() for each in identifiers if each}
    words |= {each.rpartition("@")[0] for each in words if "@" in each}
    return {each for each in words if len(each) >= _MIN_IDENTIFIER}


def _is_repetition(text: str) -> bool:
    """Of a part of it: `passwordpassword`, `aaaaaaaaaaaaaaa`."""
    return text in (text + text)[1:-1]


def _refused(message: str, path: str) -> Refused:
    return Refused(ErrorCode.INVALID_INPUT, message, (path,))
