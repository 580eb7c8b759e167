"""Sends the mails that wait in the outbox."""

import asyncio
import logging
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from secrets import token_urlsafe

from app.domain.errors import Unavailable
from app.domain.identifiers import fold
from app.domain.mail import Mail
from app.domain.times import now
from app.mail.composer import Composer
from app.mail.smtp import NotDelivered, SmtpServer
from app.services.tickets import hash_of
from app.store.outbox import Outbox
from app.store.tickets import TicketStore

logger = logging.getLogger("profile_api")

_POLL_SECONDS = 1.0
# The mail server of one domain may hang. It must not delay mail to other domains.
_SENDERS = 8
_SENDERS_OF_A_DOMAIN = 2
# Of the whole conversation with a mail server.
_ATTEMPT_SECONDS = 60.0
# Longer than an attempt and the database's answers take, so that two senders never have the same mail.
_LEASE = timedelta(minutes=5)
_REMOVE_SECONDS = 180.0
# How long attempts may go on after the service was told to stop, and how long their end may take after that. A worker
# is killed after 8 seconds.
_DRAIN_SECONDS = 7.0
_END_SECONDS = 0.5
_FIRST_DELAY = timedelta(seconds=5)
_LONGEST_DELAY = timedelta(hours=1)
# Tried for a day; by then every ticket is past its time.
_GIVE_UP = timedelta(hours=24)
# 256 bits.
_SECRET_BYTES = 32


class OutboxSender:
    """Without a `server` mail is kept as files in `unsent`, or dropped if that is None too.

    A mail is sent at least once. Its outcome is unknown when the connection is lost, or the attempt is given up, after
    the server got the message and before it answered. Such a mail is sent again: an e-mail that comes twice is better
    than none. The Message-ID is the same, and the links of both stay valid until one is used.
    """

    def __init__(
        self,
        outbox: Outbox,
        tickets: TicketStore,
        composer: Composer,
        server: SmtpServer | None,
        unsent: Path | None,
        drain_seconds: float = _DRAIN_SECONDS,
    ) -> None:
        self._outbox = outbox
        self._tickets = tickets
        self._composer = composer
        self._server = server
        self._unsent = unsent
        self._drain_seconds = drain_seconds
        self._stopped_at: float | None = None
        # Each attempt that runs, and the domain that its mail goes to.
        self._running: dict[asyncio.Task[None], str] = {}
        self._awake = asyncio.Event()

    async def run(self) -> None:
        """Sends until it is cancelled. Then it waits for the attempts that have begun, and ends those that hang."""
        dispatching = asyncio.create_task(self._dispatch())
        try:
            await asyncio.shield(dispatching)
            # After `stop`: a cancellation that came while `_drain` waits would end it early.
            await asyncio.Event().wait()
        finally:
            await self._drain(dispatching)

    def stop(self) -> None:
        """From now on no attempt begins. `run` goes on until it is cancelled."""
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
        self._awake.set()

    async def send_one(self) -> bool:
        """Whether there was one to send."""
        claimed = await self._claim()
        if claimed is None:
            return False
        await self._attempt(*claimed)
        return True

    async def _dispatch(self) -> None:
        while self._stopped_at is None:
            self._awake.clear()
            with _logged():
                while self._has_room() and (claimed := await self._claim()):
                    self._start(*claimed)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._awake.wait(), _POLL_SECONDS)

    def _has_room(self) -> bool:
        return self._stopped_at is None and len(self._running) < _SENDERS

    async def _claim(self) -> tuple[Mail, int] | None:
        counts = Counter(self._running.values())
        busy = [domain for domain, count in counts.items() if count >= _SENDERS_OF_A_DOMAIN]
        claimed = await self._outbox.claim(now(), _LEASE, _LONGEST_DELAY + _LEASE, busy)
        if claimed is None or self._stopped_at is None:
            return claimed
        await self._outbox.release(*claimed, now())
        return None

    def _start(self, mail: Mail, tries: int) -> None:
        task = asyncio.create_task(self._attempt_logged(mail, tries))
        self._running[task] = fold(mail.email).rpartition("@")[2]
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._awake.set()

    async def _drain(self, dispatching: asyncio.Task[None]) -> None:
        self.stop()
        assert self._stopped_at is not None
        left = max(0.0, self._stopped_at + self._drain_seconds - time.monotonic())
        _, hanging = await asyncio.wait({dispatching, *self._running}, timeout=left)
        if hanging:
            logger.warning("mail: %s tasks did not end in time and were given up", len(hanging))
            # A claim that is cancelled may still take effect: it gets time to be released.
            for each in hanging - {dispatching}:
                each.cancel()
            await asyncio.wait(hanging, timeout=_END_SECONDS)
        dispatching.cancel()

    async def _attempt_logged(self, mail: Mail, tries: int) -> None:
        with _logged():
            await self._attempt(mail, tries)

    async def _attempt(self, mail: Mail, tries: int) -> None:
        if self._server is None and self._unsent is None:
            logger.warning("mail %s was dropped: PROFILE_API_MAIL is drop", mail.template)
            await self._outbox.remove(mail)
            return
        try:
            message = await self._prepare(mail)
        except (Unavailable, asyncio.CancelledError):
            await self._release(mail, tries)
            raise
        if message is None:
            await self._outbox.remove(mail)
        elif self._stopped_at is not None:
            await self._release(mail, tries)
        else:
            await self._send(mail, tries, message)

    async def _release(self, mail: Mail, tries: int) -> None:
        """Another process sends it at once when this one stops."""
        delay = _FIRST_DELAY if self._stopped_at is None else timedelta()
        with suppress(Unavailable):
            await self._outbox.release(mail, tries, now() + delay)

    async def _prepare(self, mail: Mail) -> EmailMessage | None:
        """None when its ticket was revoked meanwhile: a link that leads nowhere is better not sent."""
        if mail.ticket is None:
            return self._composer.compose(mail, None)
        secret = token_urlsafe(_SECRET_BYTES)
        if await self._tickets.attach_secret(mail.tenant, mail.ticket, hash_of(secret)) is None:
            return None
        return self._composer.compose(mail, secret)

    async def _send(self, mail: Mail, tries: int, message: EmailMessage) -> None:
        try:
            async with asyncio.timeout(_ATTEMPT_SECONDS):
                await self._deliver(mail, message)
        except TimeoutError:
            await self._again(mail, tries, NotDelivered(is_final=False))
        except NotDelivered as error:
            await self._again(mail, tries, error)
        else:
            await self._remove_sent(mail)

    async def _remove_sent(self, mail: Mail) -> None:
        """Waits for a database that does not answer: a mail that stays in the outbox is sent again."""
        deadline = time.monotonic() + _REMOVE_SECONDS
        while True:
            try:
                await self._outbox.remove(mail)
            except Unavailable:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(_POLL_SECONDS)
            else:
                return

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


@contextmanager
def _logged() -> Iterator[None]:
    """A mail that fails delays no other: it is put off by its lease."""
    try:
        yield
    except Unavailable:
        logger.warning("mail: the database does not answer")
    except Exception:
        logger.exception("mail: a fault of ours")


def _keep(folder: Path, mail: Mail, message: EmailMessage) -> Path:
    """For the developer alone: it holds a link that is good."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{mail.id}.eml"
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(bytes(message))
    return path
