"""Mails to users: their templates, language and greeting, and the limit on their number."""

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
# Maximum number of mails within MAIL_WINDOW to one user, and to one e-mail address.
MAX_MAILS = 3
MAIL_WINDOW = timedelta(hours=1)
# The metadata keys that can contain the language of a user.
_LANGUAGE_KEYS = ("lang", "language", "locale")
_MAX_NAME = 40
_NAME_CHARACTERS = " -'\u2019"


NO_MAIL = Refusal(
    RefusalCode.MAIL_UNAVAILABLE,
    "This service cannot send mail at present.",
    "The operator must set PROFILE_API_SMTP_URL, or PROFILE_API_MAIL=drop.",
)


def check_mail(can_mail: bool, path: tuple[str, ...] = ()) -> None:
    """Raises Refused with MAIL_UNAVAILABLE when this service cannot send mail."""
    # A success would promise a mail that never arrives.
    if not can_mail:
        raise Refused(ErrorCode.MAIL_UNAVAILABLE, NO_MAIL.message, path)


class MailTemplate(StrEnum):
    """The templates of mails. The values are stored, and they are the names of the texts in app/mail/languages."""

    VERIFY_EMAIL = "verify_email"
    CHANGE_EMAIL = "change_email"
    EMAIL_CHANGE_ASKED = "email_change_asked"
    EMAIL_CHANGED = "email_changed"
    EMAIL_TAKEN = "email_taken"
    NAME_TAKEN = "name_taken"
    RESET_PASSWORD = "reset_password"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail that waits to be sent. `user` is the `_id` of the user to whom it belongs.

    `ticket` is the `_id` of the ticket of its link, if it has a link.
    """

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
    """Puts a mail into the outbox.

    When its user or its recipient had MAX_MAILS within MAIL_WINDOW, the mutation is refused with RATE_LIMITED and
    `path`; if `path` is None, only the mail is left out. A notice is always sent: it warns the user, at the previous
    e-mail address, about a change of the account.
    """

    mail: Mail
    path: tuple[str, ...] | None = ()
    is_notice: bool = False

    def refusal(self) -> Refused:
        message = f"The limit of {MAX_MAILS} mails in an hour is reached. Try again later."
        return Refused(ErrorCode.RATE_LIMITED, message, self.path or ())


def language_of(user: User) -> str:
    """Returns the language for mails to the user, one of LANGUAGES.

    It is the first supported language in user_metadata, in app_metadata and in the provider's profile, else English.
    """
    candidates = _language_candidates(user)
    return next((language for each in candidates if (language := _to_language(each))), LANGUAGES[0])


def greeting_of(user: User, email: str) -> str | None:
    """Returns the salutation and the name of the user, or None if the mail must not contain them."""
    # Somebody else may read a mail to an e-mail address that is not verified, and must not learn the user's name.
    if not (user.email_verified and user.email == email):
        return None
    parts = [_to_name(user.user_metadata.get("salutation")), _to_name(user.name)]
    return " ".join(each for each in parts if each) or None


def _language_candidates(user: User) -> Iterator[Any]:
    for document in (user.user_metadata, user.app_metadata):
        yield from (document.get(key) for key in _LANGUAGE_KEYS)
    for identity in user.identities[:1]:
        profile = json.loads(identity.profile_data or "{}")
        yield profile.get("locale") if isinstance(profile, Mapping) else None


def _to_language(value: Any) -> str | None:
    """Returns the language of a locale such as `de`, `de-AT` or `de_AT.UTF-8`, if it is one of LANGUAGES."""
    # LinkedIn sends an object with the language and the country.
    if isinstance(value, Mapping):
        value = value.get("language")
    if not isinstance(value, str):
        return None
    language = value.replace("_", "-").partition("-")[0].strip().lower()
    return language if language in LANGUAGES else None


def _to_name(value: Any) -> str | None:
    """Returns a text that may be part of a greeting: 1 to 40 letters, spaces, hyphens and apostrophes, else None."""
    # Users choose their names. A name with other characters could contain a link, and the mail would seem to come from
    # this service.
    if not isinstance(value, str) or not 0 < len(value.strip()) <= _MAX_NAME:
        return None
    is_name = all(each in _NAME_CHARACTERS or unicodedata.category(each)[0] in "LM" for each in value)
    return value.strip() if is_name else None
