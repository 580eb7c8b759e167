"""Sending the mails that wait in the outbox."""

import asyncio
import logging
import os
import random
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from secrets import token_urlsafe

from app.domain.emails import Mail
from app.domain.errors import Unavailable
from app.domain.times import now
from app.mail.messages import Composer
from app.mail.smtp import NotDelivered, Server
from app.services.tickets import hash_of
from app.store.emails import Outbox
from app.store.tickets import Tickets

logger = logging.getLogger("profile_api")

_POLL_SECONDS = 1.0
# Longer than any try takes, so that two senders never have the same mail.
_LEASE = timedelta(minutes=5)
_FIRST_DELAY = timedelta(seconds=5)
_LONGEST_DELAY = timedelta(hours=1)
# Tried for a day; by then every ticket is past its time.
_GIVE_UP = timedelta(hours=24)
# 256 bits.
_SECRET_BYTES = 32


class SendMails:
    """Without a `server` mail is kept as files in `unsent`, or dropped if that is None too."""

    def __init__(
        self, outbox: Outbox, tickets: Tickets, composer: Composer, server: Server | None, unsent: Path | None
    ) -> None:
        self._outbox = outbox
        self._tickets = tickets
        self._composer = composer
        self._server = server
        self._unsent = unsent

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                while await self.send_one():
                    pass
            except Unavailable:
                logger.warning("mail: the database does not answer")
            except Exception:
                # One mail that can't be made holds up no other: it is put off by its lease.
                logger.exception("mail: a fault of ours")
            await asyncio.sleep(_POLL_SECONDS)

    async def send_one(self) -> bool:
        """Whether there was one to send."""
        claimed = await self._outbox.claim(now(), _LEASE, _LONGEST_DELAY + _LEASE)
        if claimed is None:
            return False
        mail, tries = claimed
        if self._server is None and self._unsent is None:
            logger.warning("mail %s was dropped: PROFILE_API_MAIL is drop", mail.template)
            await self._outbox.remove(mail)
            return True
        secret = None if mail.ticket is None else token_urlsafe(_SECRET_BYTES)
        if secret is not None and await self._tickets.arm(mail.tenant, mail.ticket, hash_of(secret)) is None:
            # Void by now: a link that leads nowhere is better not sent.
            await self._outbox.remove(mail)
            return True
        message = self._composer.compose(mail, secret)
        try:
            await self._deliver(mail, message)
        except NotDelivered as error:
            await self._again(mail, tries, error)
        else:
            await self._outbox.remove(mail)
        return True

    async def _deliver(self, mail: Mail, message: EmailMessage) -> None:
        if self._server is not None:
            await self._server.send(message)
            return
        assert self._unsent
        path = await asyncio.to_thread(_keep, self._unsent, mail, message)
        logger.warning("mail %s was not sent: PROFILE_API_SMTP_URL is not set; it is in %s", mail.template, path)

    async def _again(self, mail: Mail, tries: int, error: NotDelivered) -> None:
        """With exponential backoff and jitter."""
        if error.is_final or now() - mail.recorded_at > _GIVE_UP:
            logger.warning("mail %s was given up: the server %s it", mail.template, error)
            await self._outbox.remove(mail)
            return
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** min(tries - 1, 16))
        await self._outbox.put_off(mail, now() + delay * random.uniform(0.5, 1))  # noqa: S311 - spreads tries
        reason = f": {error.reason}" if error.reason else ""
        logger.warning("mail %s could not be sent, try %s%s", mail.template, tries, reason)


def _keep(folder: Path, mail: Mail, message: EmailMessage) -> Path:
    """For the developer alone: it holds a link that is good."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{mail.id}.eml"
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(bytes(message))
    return path
