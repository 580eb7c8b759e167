"""Sends the mails of the outbox."""

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
# Attempts at the same time: in total, and to one domain. The mail server of one domain may hang, and it must not delay
# the mail to other domains.
_ATTEMPTS = 8
_ATTEMPTS_OF_A_DOMAIN = 2
# The maximum duration of one attempt to send a mail.
_ATTEMPT_SECONDS = 60.0
# The lease must be longer than an attempt and the database commands after it. Otherwise two senders could send the same
# mail.
_LEASE = timedelta(minutes=5)
_REMOVE_SECONDS = 180.0
# How long attempts may continue after the service was asked to stop, and how long a cancelled attempt may take to end.
# A worker is killed after 8 seconds, so both together must be shorter.
_DRAIN_SECONDS = 7.0
_END_SECONDS = 0.5
_FIRST_DELAY = timedelta(seconds=5)
_LONGEST_DELAY = timedelta(hours=1)
# After a day, every ticket has expired, so its mail would be useless.
_GIVE_UP = timedelta(hours=24)
# 256 bits: nobody can guess the secret of a link.
_SECRET_BYTES = 32


class OutboxSender:
    """Sends mails to `server`. Without a `server`, writes them to files in `unsent`, or drops them if that is None too.

    A mail is delivered at least once, and may be delivered twice. When the connection is lost after the server received
    the message and before it confirmed it, the mail is sent again, because a duplicate is better than no mail. Both
    mails have the same Message-ID, and the links of both are valid until one of them is used.
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
        # The running attempts, each with the domain of its recipient.
        self._running: dict[asyncio.Task[None], str] = {}
        self._awake = asyncio.Event()

    async def run(self) -> None:
        """Sends mails until it is cancelled. Then waits for the running attempts, and cancels those that hang."""
        dispatching = asyncio.create_task(self._dispatch())
        try:
            await asyncio.shield(dispatching)
            # `stop` ends the dispatcher before this task is cancelled. Wait for the cancellation at this place: if it
            # arrived during `_drain`, it would end `_drain` too early.
            await asyncio.Event().wait()
        finally:
            await self._drain(dispatching)

    def stop(self) -> None:
        """Makes sure that no new attempt begins. `run` continues until it is cancelled."""
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
        self._awake.set()

    async def send_one(self) -> bool:
        """Sends the next due mail. Returns whether there was one."""
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
        return self._stopped_at is None and len(self._running) < _ATTEMPTS

    async def _claim(self) -> tuple[Mail, int] | None:
        counts = Counter(self._running.values())
        busy = [domain for domain, count in counts.items() if count >= _ATTEMPTS_OF_A_DOMAIN]
        claimed = await self._outbox.claim(now(), _LEASE, _LONGEST_DELAY + _LEASE, busy)
        if claimed is None or self._stopped_at is None:
            return claimed
        # `stop` was called during the claim.
        await self._outbox.release(*claimed, now())
        return None

    def _start(self, mail: Mail, attempt: int) -> None:
        task = asyncio.create_task(self._attempt_logged(mail, attempt))
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
            logger.warning("mail: %s tasks did not end in time and are cancelled", len(hanging))
            # The dispatcher is not cancelled yet: its claim may still succeed, and then it must release the mail.
            for each in hanging - {dispatching}:
                each.cancel()
            await asyncio.wait(hanging, timeout=_END_SECONDS)
        dispatching.cancel()

    async def _attempt_logged(self, mail: Mail, attempt: int) -> None:
        with _logged():
            await self._attempt(mail, attempt)

    async def _attempt(self, mail: Mail, attempt: int) -> None:
        if self._server is None and self._unsent is None:
            logger.warning("mail %s was dropped, because PROFILE_API_MAIL is drop", mail.template)
            await self._outbox.remove(mail)
            return
        try:
            message = await self._prepare(mail)
        except (Unavailable, asyncio.CancelledError):
            await self._release(mail, attempt)
            raise
        if message is None:
            await self._outbox.remove(mail)
        elif self._stopped_at is not None:
            await self._release(mail, attempt)
        else:
            await self._send(mail, attempt, message)

    async def _release(self, mail: Mail, attempt: int) -> None:
        """Ends the claim of a mail, and does not count this attempt."""
        # When this process stops, another process can send the mail at once. In all other cases the database did not
        # answer, so the next attempt waits.
        delay = _FIRST_DELAY if self._stopped_at is None else timedelta()
        with suppress(Unavailable):
            await self._outbox.release(mail, attempt, now() + delay)

    async def _prepare(self, mail: Mail) -> EmailMessage | None:
        """Returns the message, or None when its ticket was consumed or revoked: then the link would be invalid."""
        if mail.ticket is None:
            return self._composer.compose(mail, None)
        # The secret exists only in the message. The database gets its hash, before the message leaves this process.
        secret = token_urlsafe(_SECRET_BYTES)
        if await self._tickets.attach_secret(mail.tenant, mail.ticket, hash_of(secret)) is None:
            return None
        return self._composer.compose(mail, secret)

    async def _send(self, mail: Mail, attempt: int, message: EmailMessage) -> None:
        try:
            async with asyncio.timeout(_ATTEMPT_SECONDS):
                await self._deliver(mail, message)
        except TimeoutError:
            await self._retry(mail, attempt, NotDelivered(is_final=False))
        except NotDelivered as error:
            await self._retry(mail, attempt, error)
        else:
            await self._remove_sent(mail)

    async def _remove_sent(self, mail: Mail) -> None:
        """Removes a mail that was sent. Waits up to `_REMOVE_SECONDS` for a database that does not answer."""
        # A mail that stays in the outbox is sent again when its lease ends.
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
        path = await asyncio.to_thread(_write_file, self._unsent, mail, message)
        logger.warning(
            "mail %s was not sent, because PROFILE_API_SMTP_URL is not set; it was written to %s", mail.template, path
        )

    async def _retry(self, mail: Mail, attempt: int, error: NotDelivered) -> None:
        """Postpones a mail that was not delivered, with exponential backoff and jitter, or gives it up."""
        reason = f": {error.reason}" if error.reason else ""
        if error.is_final or now() - mail.recorded_at > _GIVE_UP:
            problem = "the mail server refused it" if error.is_final else "it could not be delivered for 24 hours"
            logger.warning("mail %s was given up, because %s%s", mail.template, problem, reason)
            await self._outbox.remove(mail)
            return
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** min(attempt - 1, 16))
        await self._outbox.postpone(mail, now() + delay * random.uniform(0.5, 1))  # noqa: S311 - spreads the attempts
        logger.warning("mail %s could not be sent, attempt %s%s", mail.template, attempt, reason)


@contextmanager
def _logged() -> Iterator[None]:
    """Logs an exception in the block and continues, so that one mail cannot stop the others.

    The mail of the block is due again when its lease ends.
    """
    try:
        yield
    except Unavailable:
        logger.warning("mail: the database does not answer")
    except Exception:
        logger.exception("mail: unexpected error, a defect of this service")


def _write_file(folder: Path, mail: Mail, message: EmailMessage) -> Path:
    """Writes a mail to a file that only the owner can read."""
    # The mail contains a valid link, so no other user of the machine may read it.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{mail.id}.eml"
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(bytes(message))
    return path
