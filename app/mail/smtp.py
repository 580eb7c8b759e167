"""Sends mail by SMTP (RFC 5321), with STARTTLS if the server offers it.

Credentials are sent over TLS only, unless PROFILE_API_SMTP_ALLOW_PLAIN is set.
"""

import asyncio
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException

_TIMEOUT_SECONDS = 30
_QUIT_SECONDS = 2
_RELAY, _SUBMISSION, _SUBMISSIONS = 25, 587, 465
_PERMANENT = 500
_FORM = (
    "the form is smtp://user:password@host:port, or smtps:// for TLS;"
    " characters such as / and @ in the user name and password must be percent-encoded"
)


class NotDelivered(Exception):  # noqa: N818
    """The server did not accept a mail. `is_final` is true when it will never accept the mail (reply code 5xx).

    `reason` is a text for the operator, or empty.
    """

    def __init__(self, is_final: bool, reason: str = "") -> None:
        super().__init__("refused" if is_final else "not accepted")
        self.is_final = is_final
        self.reason = reason


@dataclass(frozen=True, slots=True, repr=False)
class SmtpServer:
    """The mail server of PROFILE_API_SMTP_URL: `smtp://user:password@host:port`, or `smtps://` for TLS from the start.

    With `allow_plain`, credentials may be sent without TLS.
    """

    host: str
    port: int
    username: str | None
    password: str | None
    is_tls: bool
    allow_plain: bool = False

    @classmethod
    def read(cls, url: str, allow_plain: bool = False) -> "SmtpServer":
        """Reads a URL. Raises ValueError when it has another form, or when its parts contradict each other."""
        # No message contains a part of the URL: the URL has a password, and the messages reach logs.
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
            raise ValueError(f"port {_SUBMISSIONS} uses TLS from the start: write smtps://, or use another port")
        if is_tls and port in (_RELAY, _SUBMISSION):
            raise ValueError(f"port {port} does not use TLS from the start: write smtp://, or use another port")
        username = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        if (username is None) != (password is None):
            raise ValueError("it needs both a user name and a password, or neither")
        return cls(host, port or (_SUBMISSIONS if is_tls else _SUBMISSION), username, password, is_tls, allow_plain)

    @property
    def needs_starttls(self) -> bool:
        """Whether STARTTLS must succeed before the credentials are sent."""
        return self.username is not None and not self.is_tls and not self.allow_plain

    async def send(self, message: EmailMessage) -> None:
        """Raises NotDelivered when the server does not accept the message.

        When this coroutine is cancelled, it is unknown whether the server accepted the message.
        """
        server = SMTP(
            hostname=self.host,
            port=self.port,
            use_tls=self.is_tls,
            # None: STARTTLS is used if the server offers it.
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
            # A refused login is a problem of the configuration. The mail must be sent again after it is corrected.
            raise NotDelivered(error.code >= _PERMANENT and not _is_of_login(error)) from None
        except (SMTPException, OSError):
            raise NotDelivered(is_final=False) from None
        except asyncio.CancelledError:
            server.close()
            raise
        finally:
            await _quit(server)

    async def _connect(self, server: SMTP) -> None:
        """Raises NotDelivered. It is never final, because an error here has nothing to do with the mail."""
        try:
            await server.connect()
        except (SMTPException, OSError) as error:
            # The library has no exception of its own for a server without STARTTLS: it raises the base class.
            is_plain = self.needs_starttls and type(error) is SMTPException
            reason = "the server does not offer STARTTLS, and credentials are only sent over TLS" if is_plain else ""
            raise NotDelivered(is_final=False, reason=reason) from None


async def _quit(server: SMTP) -> None:
    """Ends the connection. Ignores errors and a cancellation, because the server has already answered."""
    # Without this, a cancellation would hide that the mail was delivered, and it would be sent again.
    try:
        if server.is_connected:
            await server.quit(timeout=_QUIT_SECONDS)
    except (SMTPException, OSError, asyncio.CancelledError):
        pass
    finally:
        server.close()


def _is_of_login(error: SMTPResponseException) -> bool:
    """Whether the reply code is one of authentication (RFC 4954)."""
    return error.code in (530, 534, 535, 538)
