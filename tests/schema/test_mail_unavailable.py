"""In production without a mail server, mutations that would send an e-mail are refused and write nothing."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from app.auth.development import development_issuer
from app.composition.defaults import is_mail_possible
from app.composition.outbox import build_outbox_sender, build_smtp_server, outbox_jobs
from app.domain.users import User
from app.main import build
from app.settings import ConfigurationError, Settings
from tests.world import ALL_SCOPES, DATABASE, World

PASSWORD = "correct horse battery"
SENDING = {
    "sendVerificationEmail": ('userId: "auth0|john"', []),
    "sendPasswordResetEmail": ('userId: "auth0|john"', []),
    "changeEmail": ('userId: "auth0|john", email: "new@example.com"', ["email"]),
    "createUser": (
        f'connection: "{DATABASE}", email: "new@example.com", password: "{PASSWORD}", sendVerificationEmail: true',
        ["sendVerificationEmail"],
    ),
    "signUp": (f'connection: "{DATABASE}", email: "new@example.com", password: "{PASSWORD}"', ["email"]),
}
QUIET = {
    "changeEmail": 'userId: "auth0|john", email: "new@example.com", immediately: true',
    "createUser": f'connection: "{DATABASE}", email: "jane@example.com"',
    "signUp": f'connection: "{DATABASE}", username: "jim", password: "{PASSWORD}"',
}
COLLECTIONS = (
    "users",
    "credentials",
    "log_events",
    "mails",
    "mail_counts",
    "password_changes",
    "password_tries",
    "tickets",
)
ACTIONS = """query($id: String!) { user(by: {userId: $id}) { viewerActions { name allowed code reason } } }"""


def settings_of(world: World, **settings: Any) -> Settings:
    issuer = development_issuer(world.data_dir).model_copy(update={"tenant": world.tenant})
    return Settings(data_dir=world.data_dir, issuers=[issuer], rate_limit="off", open_rate_limit="off", **settings)


class Service:
    """The service in production, with or without a mail server."""

    def __init__(self, world: World, **settings: Any) -> None:
        app = build(settings_of(world, **settings), world.database)
        self.world = world
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost")

    async def ask(self, query: str, token: str | None = None, **variables: Any) -> Any:
        headers = {"authorization": f"Bearer {token or self.world.application_token(ALL_SCOPES)}"}
        answer = await self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        assert "errors" not in answer.json(), answer.json()
        return answer.json()["data"]

    async def run(self, name: str, input: str, token: str | None = None) -> Any:
        query = f"mutation {{ {name}(input: {{{input}}}) {{ errors {{ code path message }} }} }}"
        return (await self.ask(query, token))[name]["errors"]

    async def obstacles(self, user: User, token: str | None = None) -> set[str]:
        """Returns the actions that viewerActions refuses with MAIL_UNAVAILABLE."""
        found = (await self.ask(ACTIONS, token, id=user.user_id))["user"]["viewerActions"]
        return {each["name"] for each in found if each["code"] == "MAIL_UNAVAILABLE" and not each["allowed"]}


@pytest.fixture
async def john(world: World) -> User:
    await world.add_connection()
    await world.database["connections"].update_one({"tenant": world.tenant}, {"$set": {"allows_sign_up": True}})
    return await world.add_user("john", email_verified=False)


@pytest.fixture
async def service(world: World, john: User) -> AsyncIterator[Service]:
    service = Service(world)
    async with service.client:
        yield service


async def written(world: World) -> dict[str, int]:
    return {name: await world.database[name].count_documents({"tenant": world.tenant}) for name in COLLECTIONS}


@pytest.mark.parametrize("name", SENDING)
async def test_mutation_that_needs_mail_is_refused(
    world: World, service: Service, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    async def no_hash(*_: Any) -> str:
        raise AssertionError("nothing is hashed for what is refused")

    monkeypatch.setattr("app.services.password_hashes.PasswordHashes.hash", no_hash)
    before = await written(world)
    input, path = SENDING[name]
    [error] = await service.run(name, input)
    assert (error["code"], error["path"] or []) == ("MAIL_UNAVAILABLE", path)
    assert "PROFILE_API_SMTP_URL" in error["message"]
    assert await written(world) == before


@pytest.mark.parametrize("name", QUIET)
async def test_mutation_without_mail_succeeds(service: Service, name: str) -> None:
    assert await service.run(name, QUIET[name]) == []


async def test_viewer_actions_show_which_actions_need_mail(world: World, service: Service, john: User) -> None:
    mailing = {"SEND_VERIFICATION_EMAIL", "SEND_PASSWORD_RESET_EMAIL"}
    token = world.user_token(john)
    assert await service.obstacles(john) == mailing
    assert await service.obstacles(john, token) == {*mailing, "CHANGE_EMAIL"}
    # A recent sign-in makes no difference.
    for asking in (token, world.token_with(john.user_id, auth_time=0)):
        [error] = await service.run("changeEmail", 'email: "new@example.com"', asking)
        assert (error["code"], error["path"]) == ("MAIL_UNAVAILABLE", ["email"])


@pytest.mark.parametrize("how", [{"mail": "drop"}, {"smtp_url": "smtp://127.0.0.1:2525"}])
async def test_dropped_or_sent_mail_lets_operations_succeed(world: World, john: User, how: Any) -> None:
    service = Service(world, **how)
    async with service.client:
        assert await service.obstacles(john, world.user_token(john)) == set()
        for name, (input, _) in SENDING.items():
            assert await service.run(name, input) == [], name


def test_mail_is_possible_when_sent_stored_or_dropped(world: World) -> None:
    assert not is_mail_possible(settings_of(world), development=False)
    assert is_mail_possible(settings_of(world), development=True)
    assert is_mail_possible(settings_of(world, mail="drop"), development=False)
    assert is_mail_possible(settings_of(world, smtp_url=SecretStr("smtp://h")), development=False)


def test_waiting_mail_stays_until_there_is_a_server(world: World) -> None:
    settings = settings_of(world)
    mails = build_outbox_sender(settings, world.database, development=False)
    assert outbox_jobs(settings, False, mails) == []
    assert outbox_jobs(settings_of(world, mail="drop"), False, mails) == [mails.run]


def test_dropping_mail_uses_no_server_and_no_folder(world: World) -> None:
    settings = settings_of(world, mail="drop", smtp_url=SecretStr("smtp://h"))
    assert build_smtp_server(settings) is None
    for development in (False, True):
        mails = build_outbox_sender(settings, world.database, development)
        assert (mails._server, mails._unsent) == (None, None)


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("smtp://u:p@127.0.0.1:25", True),
        ("smtp://u:p@localhost", True),
        ("smtp://u:p@[::1]", True),
        ("smtp://u:p@10.0.0.1", False),
        ("smtp://u:p@mail.example.com", False),
        ("smtp://localhost.example.com", False),
    ],
)
def test_smtp_without_tls_is_for_loopback_only(world: World, url: str, is_allowed: bool) -> None:
    settings = settings_of(world, smtp_url=SecretStr(url), smtp_allow_plain=True)
    if is_allowed:
        server = build_smtp_server(settings)
        assert server
        assert server.allow_plain
    else:
        with pytest.raises(ConfigurationError, match="PROFILE_API_SMTP_ALLOW_PLAIN"):
            build_smtp_server(settings)
