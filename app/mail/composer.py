"""Composes mails from the texts of a language and one layout, as HTML and as plain text."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from email_validator import EmailNotValidError, validate_email
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.domain.mail import LANGUAGES, Mail

_HERE = Path(__file__).parent
# The longest line that RFC 5322 allows. With shorter lines, links would be broken in the source of the message.
_POLICY = default.clone(max_line_length=998)


def read_words(language: str) -> Mapping[str, Any]:
    """Reads the texts of a language: those of the mails, and of the pages that their links open."""
    return tomllib.loads((_HERE / "languages" / f"{language}.toml").read_text(encoding="utf-8"))


WORDS = {language: read_words(language) for language in LANGUAGES}


@dataclass(frozen=True, slots=True)
class Composer:
    """Composes messages. `sender` is the From header, and `public_url` is the beginning of all links."""

    sender: str
    public_url: str

    def compose(self, mail: Mail, secret: str | None) -> EmailMessage:
        """Returns the message, multipart/alternative in UTF-8. Its link contains `secret`, the secret of its ticket."""
        words = WORDS[mail.language]
        texts = words[mail.template]
        name = mail.greeting
        greeting = words["greeting_with_name"].format(name) if name else words["greeting_without_name"]
        values = {
            "language": mail.language,
            "subject": texts["subject"],
            "greeting": greeting,
            "paragraphs": texts["paragraphs"],
            "button": texts.get("button"),
            "link": None if secret is None else f"{self.public_url}/ticket?ticket={secret}",
            "footer": words["footer"].format(self.public_url),
        }
        message = EmailMessage(_POLICY)
        message["From"] = self.sender
        message["To"] = _to_ascii(mail.email)
        message["Subject"] = texts["subject"]
        message["Date"] = format_datetime(mail.recorded_at)
        # The same for each attempt to send the mail, so that a mail server can recognize a duplicate.
        message["Message-ID"] = f"<{mail.id}@{self.sender.rpartition('@')[2].rstrip('>')}>"
        # Prevents automatic replies such as out-of-office notices (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(_TEMPLATES.get_template("mail.txt").render(values))
        message.add_alternative(_TEMPLATES.get_template("mail.html").render(values), subtype="html")
        message["Content-Language"] = mail.language
        return message


def _to_ascii(email: str) -> str:
    """Returns the e-mail address with its domain in ASCII (IDNA), which every mail server accepts.

    A local part that is not ASCII stays as it is; the mail server then needs SMTPUTF8 (RFC 6531).
    """
    try:
        found = validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        # An imported e-mail address may be unusual. The mail server decides whether it is valid.
        return email
    return found.ascii_email or found.normalized


_TEMPLATES = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
