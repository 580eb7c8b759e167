"""Passwords: the rules for new passwords, after NIST SP 800-63B, and their change."""

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

# Lengths in characters. NIST allows the shorter minimum when a second factor is always required.
MIN_LENGTH = 15
MIN_LENGTH_WITH_MFA = 8
MAX_LENGTH = 128
# Maximum length of a password that is compared with the stored one. It may come from a system that allowed longer ones.
MAX_TYPED = 1024
# Maximum number of attempts in 15 minutes for one account: from one IP address, and from all IP addresses together. The
# second limit stops an attacker with many IP addresses.
MAX_TRIES = 10
MAX_TRIES_FROM_ANYWHERE = 100
# Maximum number of passwords of one user that are set, or checked for a change, in an hour.
MAX_PASSWORD_CHANGES = 10
# Shorter identifiers are ignored, because many good passwords contain them by chance.
_MIN_IDENTIFIER = 4
_MIN_WORD, _MAX_WORDS = 3, 100
_WORD = re.compile(r"[^\W_]+")

# A function that checks and hashes a new password. Its arguments are the caller's key, the user, the password and the
# path of the password in the input. Raises PasswordRefused.
HashNewPassword = Callable[[str, User, str, str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Credential:
    """The stored password of a user: its hash, and a version that increases with each new password."""

    hash: str
    version: int


def version_of(credential: Credential | None) -> int:
    """Returns the version of a credential, or 0 when the user has no password."""
    return 0 if credential is None else credential.version


@dataclass(frozen=True, slots=True)
class SetPassword(SideEffect):
    """Sets the password of the user. `version` is the version of the replaced credential, or 0 if there is none."""

    hash: str
    version: int

    @property
    def new_version(self) -> int:
        """The version of the new credential."""
        return self.version + 1

    def refusal(self) -> Refused:
        message = "Another password was set at the same moment, so this one was not set. Try again."
        return Refused(ErrorCode.CONTENDED, message)


def password_changes(hash: str, credential_version: int, must_change: bool) -> Changes:
    """Returns the changes for a new password. `credential_version` is the version of the replaced credential, or 0."""
    # Somebody else may know the old password, so the devices and tickets that they could have are revoked too.
    fields = {"must_change_password": must_change, "last_password_reset": now()}
    side_effects = (SetPassword(hash, credential_version), RevokeDevices(), RevokeTickets())
    return Changes(LogEventType.PASSWORD_CHANGED, fields, side_effects)


def normalized(password: str) -> str:
    """Returns the password in the Unicode form NFKC, as SP 800-63B requires."""
    # Different keyboards encode the same character differently.
    return unicodedata.normalize("NFKC", password)


class PasswordProblem(StrEnum):
    """Why a password is refused. app/mail/languages has a text for each value, in each language."""

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


# The problems that more words in the password would solve.
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
    """A new password is refused with INVALID_INPUT. `limits` are the numbers for the placeholders of the message."""

    def __init__(self, problem: PasswordProblem, path: str, minimum: int = MIN_LENGTH) -> None:
        self.problem = problem
        self.limits = {"minimum": minimum, "maximum": MAX_LENGTH}
        super().__init__(ErrorCode.INVALID_INPUT, _MESSAGES[problem].format(**self.limits), (path,))


def check_form(password: str, minimum: int, path: str) -> None:
    """Raises PasswordRefused when a new password has control characters, or a length that is not allowed."""
    text = normalized(password)
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in text):
        raise PasswordRefused(PasswordProblem.CONTROL_CHARACTERS, path)
    if not minimum <= len(text) <= MAX_LENGTH:
        raise PasswordRefused(PasswordProblem.LENGTH, path, minimum)


def check_content(password: str, identifiers: Iterable[str | None], path: str) -> None:
    """Raises PasswordRefused when a new password repeats a part of itself, or contains an identifier of its user."""
    folded = normalized(password).casefold()
    if _is_repetition(folded):
        raise PasswordRefused(PasswordProblem.REPEATED, path)
    # The check ignores case, because attackers try all spellings of an identifier.
    if any(each in folded for each in _words(identifiers)):
        raise PasswordRefused(PasswordProblem.IDENTIFIER, path)


def identifiers_of(user: User) -> tuple[str | None, ...]:
    return (user.email, user.username, user.phone_number)


def guessable_words(user: User, product: Iterable[str]) -> list[str]:
    """Returns the words that an attacker tries first: those of the user, of the tenant and of the product."""
    connections = (each.connection for each in user.identities)
    own = (*identifiers_of(user), user.name, user.given_name, user.family_name, user.nickname)
    texts = (*own, *product, user.tenant, *connections)
    words = dict.fromkeys(word for text in texts if text for word in _parts(text))
    return list(words)[:_MAX_WORDS]


def _parts(text: str) -> Iterator[str]:
    """Yields the text and each of its words, in lower case."""
    folded = normalized(text).casefold().encode("utf-8", "ignore").decode()
    for each in (folded, *_WORD.findall(folded)):
        if _MIN_WORD <= len(each) <= MAX_LENGTH:
            yield each


def why_no_password(connection: AuthConnection | None) -> Refusal | None:
    """Returns None when this service stores the passwords of the connection's users."""
    if connection is None:
        return CONNECTION_GONE
    if connection.kind is AuthConnectionKind.DATABASE:
        return None
    if connection.kind is AuthConnectionKind.CUSTOM_DATABASE and connection.import_mode:
        return None
    if connection.kind is AuthConnectionKind.PASSWORDLESS:
        reason = f"Accounts of {connection.name} have no password: they sign in with a code."
        return Refusal(RefusalCode.CONNECTION_FORBIDS, reason)
    return owned_by_provider(connection, "stores the password")


def _words(identifiers: Iterable[str | None]) -> set[str]:
    """Returns the identifiers, and the local parts of e-mail addresses, without short ones."""
    words = {normalized(each).casefold() for each in identifiers if each}
    words |= {each.rpartition("@")[0] for each in words if "@" in each}
    return {each for each in words if len(each) >= _MIN_IDENTIFIER}


def _is_repetition(text: str) -> bool:
    """Whether the text consists of repetitions of a part, such as `passwordpassword` or `aaaaaaaaaaaaaaa`."""
    return text in (text + text)[1:-1]
