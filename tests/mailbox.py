"""A real SMTP server on loopback, and the service's sender that brings mail to it."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from app.jobs.emails import SendMails
from app.mail.messages import Composer
from app.mail.smtp import Server
from app.store.database import Database
from app.store.emails import Outbox
from app.store.tickets import Tickets

PUBLIC_URL = "https://profiles.example.com"


@dataclass
class Mailbox:
    """What came. While `refusing` is set the server answers each mail with it: `451 later`, `550 never`."""

    port: int
    messages: list[EmailMessage] = field(default_factory=list)
    refusing: str | None = None
    database: Database | None = None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.refusing is not None:
            return self.refusing
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - likewise
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 OK"

    def sender(self) -> SendMails:
        assert self.database
        server = Server.read(f"smtp://127.0.0.1:{self.port}")
        composer = Composer("Profiles <no-reply@profiles.example.com>", PUBLIC_URL)
        return SendMails(Outbox(self.database), Tickets(self.database), composer, server, None)

    async def receive(self) -> list[EmailMessage]:
        """Those that were sent by now and not received before."""
        sender = self.sender()
        while await sender.send_one():
            pass
        new, self.messages = self.messages, []
        return new

    async def receive_to(self, address: str) -> EmailMessage:
        """The only one that came to this address."""
        [found] = [each for each in await self.receive() if each["To"] == address]
        return found


@contextmanager
def smtp_server(**options: Any) -> Iterator[Mailbox]:
    """`options` are those of aiosmtpd's server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mailbox = Mailbox(port)
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, enable_SMTPUTF8=True, **options)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


def parts(message: EmailMessage) -> tuple[str, str]:
    """Its text, and its HTML."""
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


def link_of(message: EmailMessage) -> str:
    text, html = parts(message)
    [found] = re.findall(r"https?://\S+/ticket\?ticket=\S+", text)
    assert found in html
    return str(found)


def ticket_of(message: EmailMessage) -> str:
    return link_of(message).partition("ticket=")[2]
