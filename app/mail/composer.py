"""The content of a mail: the words of its language in one layout, as HTML and as text."""

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
# As long as RFC 5322 lets a line be: links stay whole, for whoever reads the message as it is.
_POLICY = default.clone(max_line_length=998)


def read_words(language: str) -> Mapping[str, Any]:
    """One of LANGUAGES: the words of mails and of the pages that they lead to."""
    return tomllib.loads((_HERE / "languages" / f"{language}.toml").read_text(encoding="utf-8"))


WORDS = {language: read_words(language) for language in LANGUAGES}


@dataclass(frozen=True, slots=True)
class Composer:
    """`sender` is what stands in From; `public_url` what links begin with."""

    sender: str
    public_url: str

    def compose(self, mail: Mail, secret: str | None) -> EmailMessage:
        """The message, multipart/alternative in UTF-8. `secret` is of the ticket that its link is for."""
        words = WORDS[mail.language]
        said = words[mail.template]
        greeting = words["greeting"].format(mail.greeting) if mail.greeting else words["greeting_nobody"]
        shown = {
            "language": mail.language,
            "subject": said["subject"],
            "greeting": greeting,
            "paragraphs": said["paragraphs"],
            "button": said.get("button"),
            "link": None if secret is None else f"{self.public_url}/ticket?ticket={secret}",
            "footer": words["footer"].format(self.public_url),
        }
        message = EmailMessage(_POLICY)
        message["From"] = self.sender
        message["To"] = _to_ascii(mail.email)
        message["Subject"] = said["subject"]
        message["Date"] = format_datetime(mail.recorded_at)
        # The same at each try, so that a mailbox that has it knows it again.
        message["Message-ID"] = f"<{mail.id}@{self.sender.rpartition('@')[2].rstrip('>')}>"
        # RFC 3834: nobody's out-of-office answers it.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(_TEMPLATES.get_template("mail.txt").render(shown))
        message.add_alternative(_TEMPLATES.get_template("mail.html").render(shown), subtype="html")
        message["Content-Language"] = mail.language
        return message


def _to_ascii(email: str) -> str:
    """The domain in ASCII (IDNA), which every server accepts. A local part that is not ASCII needs SMTPUTF8."""
    try:
        found = validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        # It may come from an older system: the mail server decides.
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
