"""Mails to users: the templates, the language and the greeting of each, and how many may be sent."""

import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from app.domain.commits import SideEffect
from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key
from app.domain.refusals import Refusal, RefusalCode
from app.domain.users import User

LANGUAGES = ("en", "de", "fr", "es", "ja")
# The most mails within MAIL_WINDOW to one user, and to one e-mail address.
MAX_MAILS = 3
MAIL_WINDOW = timedelta(hours=1)
_KEYS = ("lang", "language", "locale")
_MAX_GREETING = 40
_GREETING_SIGNS = " -'\u2019"


NO_MAIL = Refusal(
    RefusalCode.MAIL_UNAVAILABLE,
    "This service cannot send mail at present.",
    "Its operator sets PROFILE_API_SMTP_URL, or PROFILE_API_MAIL=drop.",
)


def check_mail(can_mail: bool, path: tuple[str, ...] = ()) -> None:
    """Refused with MAIL_UNAVAILABLE without a way to send mail: success would promise a mail that never comes."""
    if not can_mail:
        raise Refused(ErrorCode.MAIL_UNAVAILABLE, NO_MAIL.message, path)


class MailTemplate(StrEnum):
    """What a mail says."""

    VERIFY_EMAIL = "verify_email"
    CHANGE_EMAIL = "change_email"
    EMAIL_CHANGE_ASKED = "email_change_asked"
    EMAIL_CHANGED = "email_changed"
    EMAIL_TAKEN = "email_taken"
    NAME_TAKEN = "name_taken"
    RESET_PASSWORD = "reset_password"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One to be sent. `user` is whose account it is about, `ticket` the one that its link is for."""

    id: Key
    tenant: str
    user: Key
    email: str
    template: MailTemplate
    language: str
    greeting: str | None
    ticket: Key | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class SendMail(SideEffect):
    """Sends it, later. `path` is of the input that is refused with RATE_LIMITED where its user, or its recipient, had
    MAX_MAILS within MAIL_WINDOW; None: then it is left out. A notice goes out in any case.
    """

    mail: Mail
    path: tuple[str, ...] | None = ()
    is_notice: bool = False

    def refusal(self) -> Refused:
        message = f"{MAX_MAILS} mails went out within the hour. Wait, and ask again."
        return Refused(ErrorCode.RATE_LIMITED, message, self.path or ())


def language_of(user: User) -> str:
    """The first that is said and is one of LANGUAGES: in user_metadata, in app_metadata, by the provider; English."""
    return next((known for each in _said(user) if (known := _known(each))), LANGUAGES[0])


def greeting_of(user: User, email: str) -> str | None:
    """Salutation and name. None unless `email` is the verified e-mail address of the user: a stranger may read it."""
    if not (user.email_verified and user.email == email):
        return None
    parts = [_greetable(user.user_metadata.get("salutation")), _greetable(user.name)]
    return " ".join(each for each in parts if each) or None


def _said(user: User) -> Iterator[Any]:
    for document in (user.user_metadata, user.app_metadata):
        yield from (document.get(key) for key in _KEYS)
    for identity in user.identities[:1]:
        said = json.loads(identity.profile_data or "{}")
        yield said.get("locale") if isinstance(said, Mapping) else None


def _known(said: Any) -> str | None:
    """`de`, `de-AT`, `de_AT.UTF-8`; LinkedIn has an object with a language."""
    if isinstance(said, Mapping):
        said = said.get("language")
    if not isinstance(said, str):
        return None
    language = said.replace("_", "-").partition("-")[0].strip().lower()
    return language if language in LANGUAGES else None


def _greetable(said: Any) -> str | None:
    """Letters, spaces, hyphens and apostrophes, 40 at most: nothing that could be a link, or words of another."""
    if not isinstance(said, str) or not 0 < len(said.strip()) <= _MAX_GREETING:
        return None
    is_name = all(each in _GREETING_SIGNS or unicodedata.category(each)[0] in "LM" for each in said)
    return said.strip() if is_name else None
