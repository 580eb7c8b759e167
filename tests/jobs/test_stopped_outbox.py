"""The outbox when the service stops, when an SMTP server hangs, and when an answer of the server is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import uvicorn

from app.domain.errors import Unavailable
from app.domain.mail import Mail, MailTemplate
from app.domain.tickets import Ticket
from app.domain.times import now
from app.domain.users import User
from app.jobs import outbox
from app.jobs.outbox import OutboxSender
from app.mail import smtp
from app.main import build
from app.serving import Server
from app.settings import Settings
from app.store.database import Database, new_id
from app.store.outbox import Outbox, to_document
from app.store.tickets import TicketStore
from tests.mailbox import Mailbox, ticket_of
from tests.schema.operations.tickets import redeem_ticket
from tests.serving import DEADLINE_SECONDS, eventually
from tests.world import World

ASK = "mutation { sendVerificationEmail(input: {}) { errors { code } } }"
JOHN = "john@example.com"


@pytest.fixture
async def john(world: World, mailbox: Mailbox) -> User:
    await world.add_connection()
    john = await world.add_user("john", email_verified=False)
    assert (await world.ask(ASK, world.user_token(john)))["sendVerificationEmail"]["errors"] == []
    return john


async def add_mail(world: World, email: str) -> None:
    mail = Mail(
        id=new_id(),
        tenant=world.tenant,
        user=new_id(),
        email=email,
        template=MailTemplate.EMAIL_TAKEN,
        language="en",
        greeting=None,
        ticket=None,
        recorded_at=now(),
    )
    state = {"due_at": mail.recorded_at, "tries": 0}
    await world.database["mails"].insert_one(to_document(mail) | state)


async def waiting(world: World) -> list[dict[str, Any]]:
    return list(await world.database["mails"].find({"tenant": world.tenant}).to_list(None))


async def happened(check: Callable[[], object], what: str) -> None:
    await asyncio.to_thread(eventually, check, what)


@asynccontextmanager
async def running(sender: OutboxSender) -> AsyncIterator["asyncio.Task[None]"]:
    """Runs a sender, and stops it at the end of the block."""
    task = asyncio.create_task(sender.run())
    try:
        yield task
    finally:
        if not task.cancelling():
            task.cancel()
        await asyncio.wait({task})


class Slow:
    """An outbox whose database answers only after `go_on` is set."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    async def wait(self) -> None:
        self.reached.set()
        await self.go_on.wait()


class SlowTickets(TicketStore):
    slow: Slow

    async def attach_secret(self, tenant: str, id: Any, hash: str) -> Ticket | None:
        await self.slow.wait()
        return await super().attach_secret(tenant, id, hash)


class SlowOutbox(Outbox):
    slow: Slow

    async def claim(self, *arguments: Any) -> tuple[Mail, int] | None:
        claimed = await super().claim(*arguments)
        await self.slow.wait()
        return claimed


def slow_sender(mailbox: Mailbox, place: str, drain_seconds: float = 30.0) -> tuple[OutboxSender, Slow]:
    """A sender whose database answers slowly: when a mail is claimed, or when a ticket gets its secret."""
    assert mailbox.database
    slow, outbox, tickets = Slow(), SlowOutbox(mailbox.database), SlowTickets(mailbox.database)
    outbox.slow = tickets.slow = slow
    if place == "claim":
        return mailbox.sender(drain_seconds, outbox=outbox), slow
    return mailbox.sender(drain_seconds, tickets=tickets), slow


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
async def test_attempt_that_has_begun_finishes_after_a_stop(
    world: World, john: User, mailbox: Mailbox, command: str
) -> None:
    mailbox.holding = command
    async with running(mailbox.sender()) as run:
        await happened(lambda: mailbox.held, "the attempt")
        run.cancel()
        # The database answers after the sender was cancelled.
        await waiting(world)
        assert not run.done()
        mailbox.go_on.set()
        await asyncio.wait({run})
    assert await waiting(world) == []
    [message] = await mailbox.receive()
    assert (await redeem_ticket(world, ticket_of(message)))["purpose"] == "VERIFY_EMAIL"


async def test_no_attempt_begins_after_a_stop(world: World, john: User, mailbox: Mailbox) -> None:
    mailbox.holding = "DATA"
    sender = mailbox.sender()
    async with running(sender) as run:
        await happened(lambda: mailbox.held, "the attempt")
        sender.stop()
        await add_mail(world, "jane@example.org")
        run.cancel()
        # The database answers after the sender was cancelled.
        await waiting(world)
        assert not run.done()
        mailbox.go_on.set()
    assert [each["To"] for each in mailbox.messages] == [JOHN]
    [mail] = await waiting(world)
    assert (mail["address"], mail["tries"]) == ("jane@example.org", 0)


async def test_server_stops_mail_before_it_waits_for_requests(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[OutboxSender] = []
    monkeypatch.setattr(OutboxSender, "stop", lambda sender: stopped.append(sender))  # noqa: PLW0108
    server = Server(settings)
    build(settings, database, when_stopping=server.when_stopping)

    async def wait_for_requests(*_: Any) -> None:
        assert len(stopped) == 1

    monkeypatch.setattr(uvicorn.Server, "shutdown", wait_for_requests)
    await server.shutdown()
    assert len(stopped) == 1


@pytest.mark.parametrize("place", ["claim", "ticket"])
async def test_claim_whose_attempt_has_not_begun_is_released(
    world: World, john: User, mailbox: Mailbox, place: str
) -> None:
    sender, slow = slow_sender(mailbox, place)
    async with running(sender) as run:
        await slow.reached.wait()
        run.cancel()
        await asyncio.wait({run}, timeout=0)
        slow.go_on.set()
    assert mailbox.messages == []
    [mail] = await waiting(world)
    assert (mail["tries"], mail["due_at"] <= now()) == (0, True)
    # Another process sends the mail at once, and its link is valid.
    message = await mailbox.receive_to(JOHN)
    assert (await redeem_ticket(world, ticket_of(message)))["purpose"] == "VERIFY_EMAIL"


async def test_claim_is_released_if_the_database_hangs_at_stop(world: World, john: User, mailbox: Mailbox) -> None:
    sender, slow = slow_sender(mailbox, "ticket", drain_seconds=0)
    async with running(sender):
        await slow.reached.wait()
    [mail] = await waiting(world)
    assert (mail["tries"], mail["due_at"] <= now()) == (0, True)


async def test_release_keeps_the_claim_of_another_process(world: World, john: User, mailbox: Mailbox) -> None:
    assert mailbox.database
    outbox, lease, longest = Outbox(mailbox.database), timedelta(minutes=5), timedelta(hours=1)
    first = await outbox.claim(now(), lease, longest)
    assert first is not None
    assert await outbox.claim(now() + lease, lease, longest) is not None
    await outbox.release(*first, now())
    [mail] = await waiting(world)
    assert (mail["tries"], mail["due_at"] > now() + lease) == (2, True)


async def test_attempt_that_hangs_keeps_its_lease(world: World, john: User, mailbox: Mailbox) -> None:
    mailbox.holding = "DATA"
    async with running(mailbox.sender(drain_seconds=0)):
        await happened(lambda: mailbox.held, "the attempt")
    [mail] = await waiting(world)
    assert (mail["tries"], mail["due_at"] > now() + timedelta(minutes=2)) == (1, True)


async def test_mail_whose_answer_was_lost_comes_again(world: World, john: User, mailbox: Mailbox) -> None:
    mailbox.cutting = True
    [first] = await mailbox.receive()
    mailbox.cutting = False
    await world.database["mails"].update_many({"tenant": world.tenant}, {"$set": {"due_at": now()}})
    [second] = await mailbox.receive()
    assert first["Message-ID"] == second["Message-ID"]
    assert ticket_of(first) != ticket_of(second)
    # The link of the first mail is valid, too. Using one link uses up both.
    assert (await redeem_ticket(world, ticket_of(first)))["purpose"] == "VERIFY_EMAIL"
    for each in (first, second):
        assert [error["code"] for error in (await redeem_ticket(world, ticket_of(each)))["errors"]] == ["NOT_FOUND"]


async def test_delivered_mail_is_removed_if_quit_hangs(world: World, john: User, mailbox: Mailbox) -> None:
    mailbox.holding = "QUIT"
    async with running(mailbox.sender(drain_seconds=0)):
        await happened(lambda: mailbox.held, "the end of the conversation")
    assert len(mailbox.messages) == 1
    assert await waiting(world) == []


async def test_delivered_mail_is_removed_when_the_database_is_back(
    world: World, john: User, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Flaky(Outbox):
        failures = 2

        async def remove(self, mail: Mail) -> None:
            if self.failures:
                self.failures -= 1
                raise Unavailable
            await super().remove(mail)

    assert mailbox.database
    monkeypatch.setattr(outbox, "_POLL_SECONDS", 0)
    assert await mailbox.sender(outbox=Flaky(mailbox.database)).send_one()
    assert len(mailbox.messages) == 1
    assert await waiting(world) == []


async def test_claim_is_no_try_if_the_database_fails(world: World, john: User, mailbox: Mailbox) -> None:
    class Failing(TicketStore):
        async def attach_secret(self, tenant: str, id: Any, hash: str) -> Ticket | None:
            raise Unavailable

    assert mailbox.database
    with pytest.raises(Unavailable):
        await mailbox.sender(tickets=Failing(mailbox.database)).send_one()
    [mail] = await waiting(world)
    assert (mail["tries"], now() < mail["due_at"] < now() + timedelta(minutes=1)) == (0, True)


async def test_mail_that_hangs_delays_no_other(world: World, john: User, mailbox: Mailbox) -> None:
    mailbox.holding, mailbox.holding_for = "RCPT", JOHN
    async with running(mailbox.sender()):
        await happened(lambda: mailbox.held, "the mail that hangs")
        await add_mail(world, "jane@example.com")
        await happened(lambda: mailbox.messages, "the other mail")
        mailbox.go_on.set()
    assert [each["To"] for each in mailbox.messages] == ["jane@example.com", JOHN]


async def test_domain_that_hangs_leaves_senders_for_others(world: World, mailbox: Mailbox) -> None:
    mailbox.holding = "RCPT"
    for number in range(20):
        await add_mail(world, f"{number}@Example.com")
    await add_mail(world, "jane@example.org")
    async with running(mailbox.sender()):
        await happened(lambda: len(mailbox.held) == 3, "three attempts")
        assert sorted(each.partition("@")[2] for each in mailbox.held) == ["example.com", "example.com", "example.org"]
        assert sum(each["tries"] for each in await waiting(world)) == 3
        mailbox.go_on.set()
        await happened(lambda: len(mailbox.messages) == 21, "all mails")


async def test_senders_are_limited(world: World, mailbox: Mailbox) -> None:
    mailbox.holding = "RCPT"
    for number in range(20):
        await add_mail(world, f"jane@{number}.example.com")
    async with running(mailbox.sender()):
        await happened(lambda: len(mailbox.held) == 8, "eight attempts")
        assert sum(each["tries"] for each in await waiting(world)) == 8
        mailbox.go_on.set()
        await happened(lambda: len(mailbox.messages) == 20, "all mails")


async def test_attempt_that_takes_too_long_is_tried_again(
    world: World, john: User, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_ATTEMPT_SECONDS", 0.1)
    monkeypatch.setattr(smtp, "_TIMEOUT_SECONDS", 600)
    mailbox.holding = "RCPT"
    assert await asyncio.wait_for(mailbox.sender().send_one(), DEADLINE_SECONDS)
    [mail] = await waiting(world)
    latest: datetime = now() + timedelta(minutes=1)
    assert (mail["tries"], mail["due_at"] < latest) == (1, True)
