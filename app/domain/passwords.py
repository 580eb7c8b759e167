"""Passwords: which ones are taken, as NIST SP 800-63B has it."""

import re
import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.domain.commits import Changes, SideEffect
from app.domain.connections import CONNECTION_GONE, AuthConnection, AuthConnectionKind, owned_by_provider
from app.domain.devices import RevokeDevices
from app.domain.errors import ErrorCode, Refused
from app.domain.logs import LogEventType
from app.domain.refusals import Refusal, RefusalCode
from app.domain.tickets import RevokeTickets
from app.domain.times import now
from app.domain.users import User

# Characters. Fewer will do where a second factor is always asked for.
MIN_LENGTH = 15
MIN_LENGTH_WITH_MFA = 8
MAX_LENGTH = 128
# Of a password that is checked: another system may have allowed a longer one than MAX_LENGTH.
MAX_TYPED = 1024
# Wrong ones within a quarter of an hour: from one IP address for one account; for one account from anywhere.
MAX_TRIES = 10
MAX_TRIES_FROM_ANYWHERE = 100
# Of one user in an hour: passwords that are set or checked for a change.
MAX_PASSWORD_CHANGES = 10
# A shorter identifier would be found in too many words.
_MIN_IDENTIFIER = 4
_MIN_WORD, _MAX_WORDS = 3, 100
_WORD = re.compile(r"[^\W_]+")

# From the caller's key, the user, the password and its path in the input to the hash. Raises PasswordRefused.
HashNewPassword = Callable[[str, User, str, str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Credential:
    """What is kept of a user's password: its hash, and how often it was set."""

    hash: str
    version: int


def version_of(credential: Credential | None) -> int:
    """0 where there is none."""
    return 0 if credential is None else credential.version


@dataclass(frozen=True, slots=True)
class SetPassword(SideEffect):
    """Sets the user's password; `version` is that of the credential it replaces, 0 where there is none."""

    hash: str
    version: int

    @property
    def new_version(self) -> int:
        """The version of the credential that results."""
        return self.version + 1

    def refusal(self) -> Refused:
        message = "Another password was set at the same moment; this one was not. Send it again."
        return Refused(ErrorCode.CONTENDED, message)


def password_changes(hash: str, credential_version: int, must_change: bool) -> Changes:
    """A new password: it revokes devices and tickets. `credential_version` is that of the credential it replaces."""
    fields = {"must_change_password": must_change, "last_password_reset": now()}
    side_effects = (SetPassword(hash, credential_version), RevokeDevices(), RevokeTickets())
    return Changes(LogEventType.PASSWORD_CHANGED, fields, side_effects)


def normalized(password: str) -> str:
    """One form for what looks the same, however it was typed (NFKC, as SP 800-63B asks)."""
    return unicodedata.normalize("NFKC", password)


class PasswordProblem(StrEnum):
    """Why a password is not accepted; pages have words for each in every language."""

    CONTROL_CHARACTERS = "control_characters"
    LENGTH = "length"
    IDENTIFIER = "identifier"
    REPEATED = "repeated"
    SEQUENCE = "sequence"
    COMMON = "common"
    WORD = "word"
    NAME = "name"
    DATE = "date"
    GUESSABLE = "guessable"


# Where more words would help.
EASY_TO_GUESS = frozenset(
    set(PasswordProblem) - {PasswordProblem.CONTROL_CHARACTERS, PasswordProblem.LENGTH, PasswordProblem.IDENTIFIER}
)
_EASY = "This password is easy to guess"
_ADVICE = "Add one or two more words. Uncommon words are better."
_MESSAGES: Mapping[PasswordProblem, str] = {
    PasswordProblem.CONTROL_CHARACTERS: "The password must not contain control characters.",
    PasswordProblem.LENGTH: "The password must have {minimum} to {maximum} characters.",
    PasswordProblem.IDENTIFIER: (
        "The password must not contain the e-mail address, user name or phone number of the account."
    ),
    PasswordProblem.REPEATED: f"{_EASY}: it repeats a part of itself. {_ADVICE}",
    PasswordProblem.SEQUENCE: (f"{_EASY}: it follows the alphabet, a series of numbers or the keyboard. {_ADVICE}"),
    PasswordProblem.COMMON: f"{_EASY}: it is similar to a commonly used password. {_ADVICE}",
    PasswordProblem.WORD: f"{_EASY}: it is little more than one word. {_ADVICE}",
    PasswordProblem.NAME: f"{_EASY}: it consists of common names. {_ADVICE}",
    PasswordProblem.DATE: f"{_EASY}: it consists of a date or a year. {_ADVICE}",
    PasswordProblem.GUESSABLE: f"{_EASY}. {_ADVICE}",
}


class PasswordRefused(Refused):
    """INVALID_INPUT for a new password. `limits` are the numbers that the message names."""

    def __init__(self, problem: PasswordProblem, path: str, minimum: int = MIN_LENGTH) -> None:
        self.problem = problem
        self.limits = {"minimum": minimum, "maximum": MAX_LENGTH}
        super().__init__(ErrorCode.INVALID_INPUT, _MESSAGES[problem].format(**self.limits), (path,))


def check_form(password: str, minimum: int, path: str) -> None:
    """Raises PasswordRefused for a new password with control characters, or of another length than allowed."""
    text = normalized(password)
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in text):
        raise PasswordRefused(PasswordProblem.CONTROL_CHARACTERS, path)
    if not minimum <= len(text) <= MAX_LENGTH:
        raise PasswordRefused(PasswordProblem.LENGTH, path, minimum)


def check_content(password: str, identifiers: Iterable[str | None], path: str) -> None:
    """Raises PasswordRefused for a repetition, and for what contains an identifier of its user."""
    folded = normalized(password).casefold()
    if _is_repetition(folded):
        raise PasswordRefused(PasswordProblem.REPEATED, path)
    if any(each in folded for each in _words(identifiers)):
        raise PasswordRefused(PasswordProblem.IDENTIFIER, path)


def identifiers_of(user: User) -> tuple[str | None, ...]:
    return (user.email, user.username, user.phone_number)


def guessable_words(user: User, product: Iterable[str]) -> list[str]:
    """What somebody who guesses this user's password tries first: the words of the user and of the product."""
    connections = (each.connection for each in user.identities)
    own = (*identifiers_of(user), user.name, user.given_name, user.family_name, user.nickname)
    texts = (*own, *product, user.tenant, *connections)
    words = dict.fromkeys(word for text in texts if text for word in _parts(text))
    return list(words)[:_MAX_WORDS]


def _parts(text: str) -> Iterator[str]:
    """The text as a whole, and each word of it."""
    folded = normalized(text).casefold().encode("utf-8", "ignore").decode()
    for each in (folded, *_WORD.findall(folded)):
        if _MIN_WORD <= len(each) <= MAX_LENGTH:
            yield each


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
