"""The outbox: mail that can't be delivered is tried again, and outlives the process that was to send it."""

import logging
import re
import stat
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from app.domain.times import now
from app.domain.users import User
from app.jobs.emails import SendMails
from app.mail.messages import Composer
from app.mail.smtp import Server
from app.store.emails import Outbox
from app.store.tickets import Tickets
from tests.mailbox import PUBLIC_URL, Mailbox, link_of, smtp_server, ticket_of
from tests.schema.test_emails import redeem
from tests.serving import eventually, serve
from tests.world import World

ASK = "mutation { sendVerificationEmail(input: {}) { errors { code } } }"


@pytest.fixture
async def john(world: World, mailbox: Mailbox) -> User:
    await world.add_connection()
    john = await world.add_user("john", email_verified=False)
    assert (await world.ask(ASK, world.user_token(john)))["sendVerificationEmail"]["errors"] == []
    return john


async def waiting(world: World) -> list[dict[str, object]]:
    return list(await world.database["mails"].find({"tenant": world.tenant}).to_list(None))


async def test_what_is_refused_for_now_is_tried_again_later_and_later(
    world: World, john: User, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox.refusing = "451 later"
    delays = []
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
    # The link of the mail that came is the one that is good.
    assert (await redeem(world, ticket_of(message)))["purpose"] == "VERIFY_EMAIL"
    assert "john@example.com" not in caplog.text
    assert ticket_of(message) not in caplog.text


async def test_what_is_refused_for_good_or_for_a_day_is_given_up(world: World, john: User, mailbox: Mailbox) -> None:
    mailbox.refusing = "550 never"
    assert await mailbox.receive() == []
    assert await waiting(world) == []
    await world.ask(ASK, world.user_token(john))
    mailbox.refusing = "451 later"
    yesterday = {"$set": {"recorded_at": now() - timedelta(hours=25)}}
    await world.database["mails"].update_many({"tenant": world.tenant}, yesterday)
    assert await mailbox.receive() == []
    assert await waiting(world) == []


async def test_a_server_that_is_down_is_waited_for(world: World, john: User, mailbox: Mailbox) -> None:
    with smtp_server() as gone:
        gone.database = mailbox.database
    assert await gone.receive() == []
    [mail] = await waiting(world)
    assert mail["tries"] == 1


async def test_of_two_senders_one_takes_a_mail(world: World, john: User, mailbox: Mailbox) -> None:
    assert mailbox.database
    outbox = Outbox(mailbox.database)
    assert await outbox.claim(now(), timedelta(minutes=5)) is not None
    assert await outbox.claim(now(), timedelta(minutes=5)) is None
    # One that died with it leaves it to the next.
    assert await outbox.claim(now() + timedelta(minutes=6), timedelta(minutes=5)) is not None


async def test_without_a_server_mail_is_logged_without_its_secret_and_kept_for_the_developer(
    world: World, john: User, mailbox: Mailbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert mailbox.database
    folder = tmp_path / "mail"
    parts = Outbox(mailbox.database), Tickets(mailbox.database), Composer("a@example.com", PUBLIC_URL)
    with caplog.at_level(logging.INFO):
        assert await SendMails(*parts, None, folder).send_one()
    [kept] = folder.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    [secret] = set(re.findall(rb"ticket=3?D?([\w-]{43})", kept.read_bytes().replace(b"=\n", b"")))
    assert str(kept) in caplog.text
    assert secret.decode() not in caplog.text
    assert "john@example.com" not in caplog.text
    assert await waiting(world) == []
    assert (await redeem(world, secret.decode()))["purpose"] == "VERIFY_EMAIL"
    # In production it is only said.
    await world.database["users"].update_one({"_id": john.id}, {"$set": {"email_verified": False}})
    await world.ask(ASK, world.user_token(john))
    assert await SendMails(*parts, None, None).send_one()
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("url", ["http://example.com", "smtp://", "mail.example.com:25", "smtp://u:secret@h:notaport"])
def test_what_is_no_address_of_a_server_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"smtp:|Port") as refused:
        Server.read(url)
    assert "secret" not in str(refused.value)


def test_a_servers_address_says_how_to_speak_with_it() -> None:
    assert Server.read("smtp://mail.example.com") == Server("mail.example.com", 587, None, None, is_tls=False)
    assert Server.read("smtps://a%40b:c%2Fd@mail:99") == Server("mail", 99, "a@b", "c/d", is_tls=True)
    assert "secret" not in repr(Server.read("smtp://u:secret@h"))


def test_mail_outlives_a_restart_and_its_link_leads_to_the_page(tmp_path: Path) -> None:
    """As operators run it: the service is stopped before there is a server that takes its mail."""
    with smtp_server() as mailbox:
        variables = {"PROFILE_API_SMTP_URL": f"smtp://127.0.0.1:{mailbox.port}"}
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
            # By its own address, whatever the request said of its host.
            assert link.startswith(f"{served.url}/ticket?ticket=")
            assert "確認する" in httpx.get(link).text
            done = httpx.post(f"{served.url}/ticket", data={"ticket": link.partition("ticket=")[2]})
            assert "メールアドレスが確認されました" in done.text
