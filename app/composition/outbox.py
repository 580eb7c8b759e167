"""Builds the SMTP client, and the job that sends the e-mails of the outbox."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

from app.composition.defaults import is_mail_possible
from app.domain.hosts import is_loopback
from app.jobs.outbox import OutboxSender
from app.mail.composer import Composer
from app.mail.smtp import SmtpServer
from app.settings import ConfigurationError, Settings
from app.store.database import Database
from app.store.outbox import Outbox
from app.store.tickets import TicketStore


def build_outbox_sender(settings: Settings, database: Database, development: bool) -> OutboxSender:
    server = build_smtp_server(settings)
    base_url = settings.public_base_url()
    composer = Composer(settings.mail_from or f"no-reply@{urlsplit(base_url).hostname}", base_url)
    # Used only without a mail server. A developer opens the links from these files.
    unsent = settings.data_dir / "mail" if development and settings.mail != "drop" else None
    return OutboxSender(Outbox(database), TicketStore(database), composer, server, unsent)


def build_smtp_server(settings: Settings) -> SmtpServer | None:
    """Returns None if no e-mail is sent. Raises ConfigurationError when PROFILE_API_SMTP_URL cannot be used."""
    if settings.smtp_url is None:
        return None
    try:
        server = SmtpServer.read(settings.smtp_url.get_secret_value(), settings.smtp_allow_plain)
    except ValueError as error:
        raise ConfigurationError(f"PROFILE_API_SMTP_URL: {error}.") from None
    # Without TLS, anybody between the two machines could read the password.
    if settings.smtp_allow_plain and not server.is_tls and not is_loopback(server.host):
        raise ConfigurationError(
            "PROFILE_API_SMTP_ALLOW_PLAIN is only for a mail server on this machine, but PROFILE_API_SMTP_URL names"
            " another host. Unset PROFILE_API_SMTP_ALLOW_PLAIN."
        )
    return None if settings.mail == "drop" else server


def outbox_jobs(
    settings: Settings, development: bool, outbox_sender: OutboxSender
) -> list[Callable[[], Coroutine[Any, Any, None]]]:
    """Returns no job if e-mails cannot be sent. They wait in the outbox for a start with PROFILE_API_SMTP_URL."""
    return [outbox_sender.run] if is_mail_possible(settings, development) else []
