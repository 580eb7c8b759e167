"""How mail leaves: SMTP (RFC 5321), with STARTTLS where the server offers it."""

from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException

_TIMEOUT_SECONDS = 30
_SUBMISSION, _SUBMISSIONS = 587, 465
_PERMANENT = 500


class NotDelivered(Exception):  # noqa: N818
    """`is_final`: the server said that it will never take this mail (5xx)."""

    def __init__(self, is_final: bool) -> None:
        super().__init__("refused" if is_final else "not now")
        self.is_final = is_final


@dataclass(frozen=True, slots=True, repr=False)
class Server:
    """Of PROFILE_API_SMTP_URL: `smtp://user:password@host:port`, or `smtps://` for TLS from the start."""

    host: str
    port: int
    username: str | None
    password: str | None
    is_tls: bool

    @classmethod
    def read(cls, url: str) -> "Server":
        """ValueError for what is no such URL; its message holds no part of it."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("it is written smtp://user:password@host:port, or smtps://")
        is_tls = parts.scheme == "smtps"
        username = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        return cls(parts.hostname, parts.port or (_SUBMISSIONS if is_tls else _SUBMISSION), username, password, is_tls)

    async def send(self, message: EmailMessage) -> None:
        """NotDelivered."""
        server = SMTP(hostname=self.host, port=self.port, use_tls=self.is_tls, timeout=_TIMEOUT_SECONDS)
        try:
            async with server:
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


def _is_of_login(error: SMTPResponseException) -> bool:
    return error.code in (530, 534, 535, 538)
