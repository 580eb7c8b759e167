"""The outbox: retries, several senders, mail without SMTP, and mail that a restart does not lose."""

import logging
import re
import stat
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.smtp import AuthResult

from app.domain.times import now
from app.domain.users import User
from app.jobs.outbox import OutboxSender
from app.mail.composer import Composer
from app.mail.smtp import NotDelivered, SmtpServer
from app.store.outbox import Outbox
from app.store.tickets import TicketStore
from tests.mailbox import PUBLIC_URL, Mailbox, link_of, smtp_server, ticket_of
from tests.schema.operations.tickets import redeem_ticket
from tests.serving import eventually, serve
from tests.world import World

ASK = "mutation { sendVerificationEmail(input: {}) { errors { code } } }"


@pytest.fixture
async def john(world: World, mailbox: Mailbox) -> User:
    await world.add_connection()
    john = await world.add_user("john", email_verified=False)
    assert (await world.ask(ASK, world.user_token(john)))["sendVerificationEmail"]["errors"] == []
    return john


async def waiting(world: World) -> list[dict[str, Any]]:
    return list(await world.database["mails"].find({"tenant": world.tenant}).to_list(None))


async def test_temporary_refusal_is_retried_with_growing_delays(
    world: World, john: User, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox.refusing = "451 later"
    delays: list[timedelta] = []
    for number in range(3):
        assert await mailbox.receive() == []
        [mail] = await waiting(world)
        assert mail["tries"] == number + 1
        delays.append(mail["due_at"] - now())
        await world.database["mails"].update_one({"_id": mail["_id"]}, {"$set": {"due_at": now()}})
    assert timedelta(seconds=1) < delays[0] < delays[1] * 1.01 < delays[2] * 1.02 < timedelta(minutes=1)
    mailbox.refusing = None
    message = await mailbox.receive_to("john@example.com")
    assert await waiting(world) == []
    # The link of the delivered mail is valid.
    assert (await redeem_ticket(world, ticket_of(message)))["purpose"] == "VERIFY_EMAIL"
    assert "john@example.com" not in caplog.text
    assert ticket_of(message) not in caplog.text


async def test_permanent_refusal_or_one_day_ends_the_attempts(world: World, john: User, mailbox: Mailbox) -> None:
    mailbox.refusing = "550 never"
    assert await mailbox.receive() == []
    assert await waiting(world) == []
    await world.ask(ASK, world.user_token(john))
    mailbox.refusing = "451 later"
    yesterday = {"$set": {"recorded_at": now() - timedelta(hours=25)}}
    await world.database["mails"].update_many({"tenant": world.tenant}, yesterday)
    assert await mailbox.receive() == []
    assert await waiting(world) == []


async def test_mail_waits_for_a_server_that_is_down(world: World, john: User, mailbox: Mailbox) -> None:
    with smtp_server() as gone:
        gone.database = mailbox.database
    assert await gone.receive() == []
    [mail] = await waiting(world)
    assert mail["tries"] == 1


async def test_only_one_of_two_senders_claims_a_mail(world: World, john: User, mailbox: Mailbox) -> None:
    assert mailbox.database
    outbox = Outbox(mailbox.database)
    lease, longest = timedelta(minutes=5), timedelta(hours=1)
    assert await outbox.claim(now(), lease, longest) is not None
    assert await outbox.claim(now(), lease, longest) is None
    # When a sender dies, another one claims its mail after the lease.
    assert await outbox.claim(now() + timedelta(minutes=6), lease, longest) is not None


@pytest.mark.parametrize(("ahead", "is_sent"), [(timedelta(minutes=59), False), (timedelta(hours=23), True)])
async def test_mail_waits_at_most_the_longest_delay(
    world: World, john: User, mailbox: Mailbox, ahead: timedelta, is_sent: bool
) -> None:
    # The clock was set back by a day after the last attempt.
    await world.database["mails"].update_one({"tenant": world.tenant}, {"$set": {"due_at": now() + ahead}})
    assert bool(await mailbox.receive()) is is_sent


async def test_mails_with_a_future_date_do_not_count(world: World, john: User, mailbox: Mailbox) -> None:
    tomorrow = [now() + timedelta(days=1)] * 3
    await world.database["mail_counts"].update_many({"tenant": world.tenant}, {"$set": {"times": tomorrow}})
    assert (await world.ask(ASK, world.user_token(john)))["sendVerificationEmail"]["errors"] == []


async def test_without_smtp_mail_is_a_file_and_its_secret_not_logged(
    world: World, john: User, mailbox: Mailbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert mailbox.database
    folder = tmp_path / "mail"
    parts = Outbox(mailbox.database), TicketStore(mailbox.database), Composer("a@example.com", PUBLIC_URL)
    with caplog.at_level(logging.INFO):
        assert await OutboxSender(*parts, None, folder).send_one()
    [kept] = folder.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    [secret] = set(re.findall(rb"ticket=3?D?([\w-]{43})", kept.read_bytes().replace(b"=\n", b"")))
    assert str(kept) in caplog.text
    assert secret.decode() not in caplog.text
    assert "john@example.com" not in caplog.text
    assert await waiting(world) == []
    assert (await redeem_ticket(world, secret.decode()))["purpose"] == "VERIFY_EMAIL"


async def test_dropped_mail_leaves_a_log_line_without_content(
    world: World, john: User, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    assert mailbox.database
    parts = Outbox(mailbox.database), TicketStore(mailbox.database), Composer("a@example.com", PUBLIC_URL)
    with caplog.at_level(logging.INFO):
        assert await OutboxSender(*parts, None, None).send_one()
    assert await waiting(world) == []
    assert caplog.messages == ["mail verify_email was dropped, because PROFILE_API_MAIL is drop"]
    # The ticket of a dropped mail has no secret.
    assert await world.database["tickets"].count_documents({"tenant": world.tenant, "hash": {"$exists": True}}) == 0


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://example.com", "smtp://user:password@host:port"),
        ("smtp://", "smtp://user:password@host:port"),
        ("smtp://:25", "smtp://user:password@host:port"),
        ("mail.example.com:25", "smtp://user:password@host:port"),
        ("smtp://u:secret@h:notaport", "smtp://user:password@host:port"),
        ("smtp://u:secret@h:0", "smtp://user:password@host:port"),
        ("smtp://u:secret@[h", "smtp://user:password@host:port"),
        ("smtp://u:se/cret@h", "percent-encoded"),
        ("smtp://u:secret@h/secret", "percent-encoded"),
        ("smtp://u:secret@h?tls=secret", "percent-encoded"),
        ("smtp://u:secret@h#secret", "percent-encoded"),
        ("smtp://secret@h", "both a user name and a password"),
        ("smtp://:secret@h", "both a user name and a password"),
        ("smtp://u:secret@h:465", "smtps://"),
        ("smtps://u:secret@h:587", "smtp://"),
        ("smtps://u:secret@h:25", "smtp://"),
    ],
)
def test_contradictory_smtp_url_is_refused_without_its_text(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as refused:
        SmtpServer.read(url)
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "allow_plain", "needed"),
    [
        ("smtp://h", False, False),
        ("smtp://u:p@h", False, True),
        ("smtp://u:p@h", True, False),
        ("smtps://u:p@h", False, False),
    ],
)
def test_smtp_credentials_need_starttls(url: str, allow_plain: bool, needed: bool) -> None:
    assert SmtpServer.read(url, allow_plain).needs_starttls is needed


@pytest.mark.parametrize("allow_plain", [False, True])
async def test_smtp_credentials_are_not_sent_without_tls(allow_plain: bool) -> None:
    logins: list[bytes] = []

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        logins.append(data.password)
        return AuthResult(success=True)

    with smtp_server(authenticator=authenticate, auth_require_tls=False) as mailbox:
        server = SmtpServer.read(f"smtp://u:p@127.0.0.1:{mailbox.port}", allow_plain)
        message = EmailMessage()
        message["From"], message["To"] = "a@example.com", "b@example.com"
        if allow_plain:
            await server.send(message)
            assert (logins, len(mailbox.messages)) == ([b"p"], 1)
        else:
            with pytest.raises(NotDelivered) as failed:
                await server.send(message)
            assert (failed.value.is_final, "STARTTLS" in failed.value.reason) == (False, True)
            assert (logins, mailbox.messages) == ([], [])


def test_smtp_url_selects_host_port_and_encryption() -> None:
    assert SmtpServer.read("smtp://mail.example.com") == SmtpServer("mail.example.com", 587, None, None, is_tls=False)
    assert SmtpServer.read("smtps://a%40b:c%2Fd@mail:99") == SmtpServer("mail", 99, "a@b", "c/d", is_tls=True)
    assert "secret" not in repr(SmtpServer.read("smtp://u:secret@h"))


def test_mail_survives_a_restart_and_its_link_opens_the_page(tmp_path: Path) -> None:
    """The service is stopped before any SMTP server accepts the mail, and is started again."""
    with smtp_server() as mailbox:
        variables: dict[str, Any] = {"PROFILE_API_SMTP_URL": f"smtp://127.0.0.1:{mailbox.port}"}
        mailbox.refusing = "451 later"
        query = 'mutation { signUp(input: {connection: "Username-Password-Authentication", email: "jane@example.com", password: "correct horse battery", userMetadata: {lang: "ja"}}) { accepted errors { code message } } }'
        opened = 'mutation { saveAuthConnection(input: {name: "Username-Password-Authentication", strategy: "auth0", allowsSignUp: true}) { errors { code } } }'
        with serve(tmp_path, "--demo", **variables) as served:
            token = httpx.post(f"{served.url}/development/token", json={"subject": "support@clients"}).json()["token"]
            headers = {"authorization": f"Bearer {token}"}
            httpx.post(f"{served.url}/graphql", json={"query": opened}, headers=headers).raise_for_status()
            answer = httpx.post(f"{served.url}/graphql", json={"query": query}, timeout=30).json()
            assert answer == {"data": {"signUp": {"accepted": True, "errors": []}}}
        assert mailbox.messages == []
        mailbox.refusing = None
        with serve(tmp_path, "--demo", **variables) as served:
            eventually(lambda: mailbox.messages, "the mail")
            [message] = mailbox.messages
            assert message["Subject"] == "メールアドレスの確認"
            link = link_of(message)
            # The link has the URL of the service, not the host of the request.
            assert link.startswith(f"{served.url}/ticket?ticket=")
            assert "確認する" in httpx.get(link).text
            done = httpx.post(f"{served.url}/ticket", data={"ticket": link.partition("ticket=")[2]})
            assert "メールアドレスの確認が完了しました" in done.text
