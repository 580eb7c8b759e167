"""SMTP (RFC 5321) with STARTTLS if the server offers it. Credentials are sent over TLS only."""

import asyncio
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException

_TIMEOUT_SECONDS = 30
_QUIT_SECONDS = 2
_RELAY, _SUBMISSION, _SUBMISSIONS = 25, 587, 465
_PERMANENT = 500
_FORM = "it is written smtp://user:password@host:port, or smtps://; signs such as / and @ in it are percent-encoded"


class NotDelivered(Exception):  # noqa: N818
    """`is_final`: the server said that it will never take this mail (5xx). `reason` is for the operator."""

    def __init__(self, is_final: bool, reason: str = "") -> None:
        super().__init__("refused" if is_final else "not now")
        self.is_final = is_final
        self.reason = reason


@dataclass(frozen=True, slots=True, repr=False)
class SmtpServer:
    """Of PROFILE_API_SMTP_URL: `smtp://user:password@host:port`, or `smtps://` for TLS from the start.

    `allow_plain` lets credentials be sent without TLS.
    """

    host: str
    port: int
    username: str | None
    password: str | None
    is_tls: bool
    allow_plain: bool = False

    @classmethod
    def read(cls, url: str, allow_plain: bool = False) -> "SmtpServer":
        """ValueError for what is no such URL, or contradicts itself; its message holds no part of it."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError(_FORM) from None
        if parts.scheme not in ("smtp", "smtps") or not host or port == 0:
            raise ValueError(_FORM)
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError(_FORM)
        is_tls = parts.scheme == "smtps"
        if not is_tls and port == _SUBMISSIONS:
            raise ValueError(f"port {_SUBMISSIONS} speaks TLS from the start: write smtps://, or name another port")
        if is_tls and port in (_RELAY, _SUBMISSION):
            raise ValueError(f"port {port} does not speak TLS from the start: write smtp://, or name another port")
        username = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        if (username is None) != (password is None):
            raise ValueError("a user name and a password go together")
        return cls(host, port or (_SUBMISSIONS if is_tls else _SUBMISSION), username, password, is_tls, allow_plain)

    @property
    def needs_starttls(self) -> bool:
        """Whether nothing may be sent before STARTTLS succeeded."""
        return self.username is not None and not self.is_tls and not self.allow_plain

    async def send(self, message: EmailMessage) -> None:
        """NotDelivered. After it was cancelled nobody knows whether the server took the message."""
        server = SMTP(
            hostname=self.host,
            port=self.port,
            use_tls=self.is_tls,
            # None: where the server offers it.
            start_tls=True if self.needs_starttls else None,
            timeout=_TIMEOUT_SECONDS,
        )
        await self._connect(server)
        try:
            if self.username is not None:
                await server.login(self.username, self.password or "")
            await server.send_message(message)
        except SMTPRecipientsRefused as error:
            raise NotDelivered(all(each.code >= _PERMANENT for each in error.recipients)) from None
        except SMTPResponseException as error:
            # Of a login that is refused it is not the mail's fault.
            raise NotDelivered(error.code >= _PERMANENT and not _is_of_login(error)) from None
        except (SMTPException, OSError):
            raise NotDelivered(is_final=False) from None
        except asyncio.CancelledError:
            server.close()
            raise
        finally:
            await _quit(server)

    async def _connect(self, server: SMTP) -> None:
        """NotDelivered, never final: what goes wrong here is not the mail's fault."""
        try:
            await server.connect()
        except (SMTPException, OSError) as error:
            # The library raises its base class where STARTTLS is required and not offered.
            is_plain = self.needs_starttls and type(error) is SMTPException
            reason = "the server offers no STARTTLS, and credentials are sent over TLS only" if is_plain else ""
            raise NotDelivered(is_final=False, reason=reason) from None


async def _quit(server: SMTP) -> None:
    """Ends the conversation. Its outcome is known by now, and neither a fault nor a cancellation hides it."""
    try:
        if server.is_connected:
            await server.quit(timeout=_QUIT_SECONDS)
    except (SMTPException, OSError, asyncio.CancelledError):
        pass
    finally:
        server.close()


def _is_of_login(error: SMTPResponseException) -> bool:
    return error.code in (530, 534, 535, 538)
