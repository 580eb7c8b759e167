"""Mail: the server that takes it, who it is from, and the job that sends what waits in the outbox."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

from app.composition.defaults import is_mail_possible
from app.domain.hosts import is_loopback
from app.jobs.emails import SendMails
from app.mail.messages import Composer
from app.mail.smtp import Server
from app.settings import ConfigurationError, Settings
from app.store.database import Database
from app.store.emails import Outbox
from app.store.tickets import Tickets


def build_mails(settings: Settings, database: Database, development: bool) -> SendMails:
    server = build_server(settings)
    base_url = settings.public_base_url()
    composer = Composer(settings.mail_from or f"no-reply@{urlsplit(base_url).hostname}", base_url)
    unsent = settings.data_dir / "mail" if development and settings.mail != "drop" else None
    return SendMails(Outbox(database), Tickets(database), composer, server, unsent)


def build_server(settings: Settings) -> Server | None:
    """None where mail is not sent. ConfigurationError where PROFILE_API_SMTP_URL cannot be used."""
    if settings.smtp_url is None:
        return None
    try:
        server = Server.read(settings.smtp_url.get_secret_value(), settings.smtp_allow_plain)
    except ValueError as error:
        raise ConfigurationError(f"PROFILE_API_SMTP_URL: {error}.") from None
    if settings.smtp_allow_plain and not server.is_tls and not is_loopback(server.host):
        raise ConfigurationError(
            "PROFILE_API_SMTP_ALLOW_PLAIN is for a relay on loopback, and PROFILE_API_SMTP_URL names another host:"
            " unset PROFILE_API_SMTP_ALLOW_PLAIN."
        )
    return None if settings.mail == "drop" else server


def mail_jobs(
    settings: Settings, development: bool, send_mails: SendMails
) -> list[Callable[[], Coroutine[Any, Any, None]]]:
    """None without a way to send mail: what waits in the outbox is sent after a restart with PROFILE_API_SMTP_URL."""
    return [send_mails.run] if is_mail_possible(settings, development) else []
