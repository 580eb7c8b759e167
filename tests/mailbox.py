"""An SMTP server on loopback, and the service's sender of mail that uses it."""

import asyncio
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Event
from typing import Any

from aiosmtpd.controller import Controller

from app.jobs.outbox import OutboxSender
from app.mail.composer import Composer
from app.mail.smtp import SmtpServer
from app.store.database import Database
from app.store.outbox import Outbox
from app.store.tickets import TicketStore

PUBLIC_URL = "https://profiles.example.com"


@dataclass
class Mailbox:
    """Receives the mails of an SMTP server, and makes the server misbehave.

    `messages` are the received mails. `refusing` is the answer to each mail, for example `451 later`; None accepts it.
    The server delays the answer to the command `holding` (RCPT, DATA or QUIT) until `go_on` is set. `holding_for` limits
    the delay to one recipient. `held` lists the recipients of delayed commands. While `cutting` is true, the server
    accepts a message and closes the connection without an answer.
    """

    port: int
    messages: list[EmailMessage] = field(default_factory=list)
    refusing: str | None = None
    cutting: bool = False
    holding: str | None = None
    holding_for: str | None = None
    held: list[str] = field(default_factory=list)
    go_on: Event = field(default_factory=Event)
    database: Database | None = None

    async def _hold(self, command: str, address: str) -> None:
        if command == self.holding and self.holding_for in (None, address):
            self.held.append(address)
            await asyncio.to_thread(self.go_on.wait)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.refusing is not None:
            return self.refusing
        await self._hold("RCPT", address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        if self.cutting:
            server.transport.abort()
        await self._hold("DATA", envelope.rcpt_tos[0])
        return "250 OK"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        await self._hold("QUIT", "")
        return "221 Bye"

    def sender(
        self, drain_seconds: float = 30.0, outbox: Outbox | None = None, tickets: TicketStore | None = None
    ) -> OutboxSender:
        assert self.database
        server = SmtpServer.read(f"smtp://127.0.0.1:{self.port}")
        composer = Composer("Profiles <no-reply@profiles.example.com>", PUBLIC_URL)
        outbox, tickets = outbox or Outbox(self.database), tickets or TicketStore(self.database)
        return OutboxSender(outbox, tickets, composer, server, None, drain_seconds)

    async def receive(self) -> list[EmailMessage]:
        """Sends all due mail, and returns the messages that arrived since the last call."""
        sender = self.sender()
        while await sender.send_one():
            pass
        new, self.messages = self.messages, []
        return new

    async def receive_to(self, address: str) -> EmailMessage:
        """Returns the only message that arrived for this e-mail address."""
        [found] = [each for each in await self.receive() if each["To"] == address]
        return found


@contextmanager
def smtp_server(**options: Any) -> Iterator[Mailbox]:
    """Runs an SMTP server until the end of the block. `options` are those of aiosmtpd's server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mailbox = Mailbox(port)
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, enable_SMTPUTF8=True, **options)
    controller.start()
    try:
        yield mailbox
    finally:
        mailbox.go_on.set()
        controller.stop()


def parts(message: EmailMessage) -> tuple[str, str]:
    """Returns the text and the HTML of a message."""
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
