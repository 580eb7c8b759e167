"""Accounts that users create with signUp, and passwords of users that applications create."""

from typing import Any

import pytest

from tests.mailbox import Mailbox, ticket_of
from tests.schema.operations.passwords import INVALID, NEW_PASSWORD, PASSWORD, verify_password
from tests.schema.operations.tickets import redeem_ticket
from tests.world import ALL_SCOPES, DATABASE, World

SIGN_UP = "mutation($input: SignUpInput!) { signUp(input: $input) { accepted errors { code path message } } }"
SAVE = """mutation($on: Boolean!) { saveAuthConnection(input: {name: "Username-Password-Authentication", strategy: "auth0",
  allowsSignUp: $on}) { authConnection { allowsSignUp } errors { code } } }"""
CREATE = """mutation($input: CreateUserInput!) { createUser(input: $input) {
  user { userId email emailVerified mustChangePassword } errors { code path } } }"""
ACCEPTED = {"accepted": True, "errors": []}


async def sign_up(world: World, **input: Any) -> Any:
    given = {"tenant": world.tenant, "connection": DATABASE, "password": PASSWORD, **input}
    return (await world.ask(SIGN_UP, input=given))["signUp"]


@pytest.fixture
async def open_world(world: World) -> World:
    saved = await world.ask(SAVE, world.application_token(ALL_SCOPES), on=True)
    assert saved["saveAuthConnection"]["authConnection"] == {"allowsSignUp": True}
    return world


async def test_sign_up_creates_an_account_and_sends_a_mail(open_world: World, mailbox: Mailbox) -> None:
    world, more = open_world, {"name": "Jane", "userMetadata": {"language": "es"}, "username": "jane"}
    assert await sign_up(world, email="Jane@example.com", **more) == ACCEPTED
    found = await world.database["users"].find_one({"tenant": world.tenant})
    assert (found["email"], found["email_verified"], found["username"]) == ("jane@example.com", False, "jane")
    assert (found["user_metadata"], found["provenance"]["name"]["source"]) == ({"language": "es"}, "USER")
    assert (await verify_password(world, PASSWORD, "jane@example.com"))["mustChangePassword"] is False
    message = await mailbox.receive_to("jane@example.com")
    assert message["Subject"] == "Confirme su dirección de correo electrónico"
    # An e-mail to an unverified e-mail address never contains text that a stranger wrote.
    assert "Jane" not in str(message).replace("jane@example.com", "")
    assert (await redeem_ticket(world, ticket_of(message)))["purpose"] == "VERIFY_EMAIL"
    of_users = {"tenant": world.tenant, "user": {"$exists": True}}
    events = await world.database["log_events"].find(of_users).sort("_id").to_list(None)
    assert [each["type"] for each in events] == ["SIGNUP_SUCCEEDED", "EMAIL_VERIFIED"]
    assert (events[0]["ip"], events[0]["connection"], events[0]["user_version"]) == ("127.0.0.1", DATABASE, 1)
    assert "actor" not in events[0]


async def test_sign_up_with_taken_email_answers_alike_and_mails_owner(open_world: World, mailbox: Mailbox) -> None:
    world = open_world
    await sign_up(world, email="jane@example.com")
    jane = await world.database["users"].find_one({"tenant": world.tenant})
    await mailbox.receive()
    assert await sign_up(world, email="JANE@example.com", username="jill", password=NEW_PASSWORD) == ACCEPTED
    message = await mailbox.receive_to("jane@example.com")
    assert message["Subject"] == "You already have an account with this e-mail address"
    assert "ticket=" not in str(message)
    assert await world.database["users"].count_documents({"tenant": world.tenant}) == 1
    assert await verify_password(world, NEW_PASSWORD, "jane@example.com") == INVALID
    assert (await verify_password(world, PASSWORD, "jane@example.com"))["valid"]
    events = await world.database["log_events"].find({"user": jane["_id"]}).sort("_id").to_list(None)
    assert [each["type"] for each in events] == ["SIGNUP_SUCCEEDED", "SIGNUP_FAILED"]
    assert events[1]["ip"] == "127.0.0.1"
    # If there is an e-mail address, only the e-mail reveals that a username is taken.
    assert await sign_up(world, email="jim@example.com", username="jim") == ACCEPTED
    await mailbox.receive()
    assert await sign_up(world, email="joe@example.com", username="JIM") == ACCEPTED
    assert (await mailbox.receive_to("joe@example.com"))["Subject"] == "Your account could not be created"
    assert await world.database["users"].count_documents({"tenant": world.tenant}) == 2
    # After the limit, the answer stays the same, but no more e-mails are sent.
    for _ in range(4):
        assert await sign_up(world, email="jane@example.com") == ACCEPTED
    assert len(await mailbox.receive()) == 1


async def test_taken_name_is_reported_without_an_email(open_world: World) -> None:
    assert await sign_up(open_world, username="jane") == ACCEPTED
    [error] = (await sign_up(open_world, username="Jane"))["errors"]
    assert (error["code"], error["path"]) == ("ALREADY_EXISTS", ["username"])


async def test_sign_up_is_refused_for_invalid_input(open_world: World) -> None:
    world = open_world
    await world.add_connection("e", "email")
    await world.add_connection("closed")
    await world.database["connections"].update_one(
        {"tenant": world.tenant, "name": "e"}, {"$set": {"allows_sign_up": True}}
    )
    many = {f"k{n}": "x" for n in range(11)}
    for input, expected in (
        ({"connection": "closed"}, ("NOT_EDITABLE", ["connection"])),
        ({"connection": "none"}, ("NOT_FOUND", ["connection"])),
        ({"tenant": "none"}, ("NOT_FOUND", ["connection"])),
        ({"connection": "e"}, ("INVALID_INPUT", ["password"])),
        ({"email": "no address"}, ("INVALID_INPUT", ["email"])),
        ({"email": None}, ("INVALID_INPUT", ["email"])),
        ({"password": "short"}, ("INVALID_INPUT", ["password"])),
        ({"password": "I am jane@example.com"}, ("INVALID_INPUT", ["password"])),
        ({"userMetadata": {"a": 1}}, ("INVALID_INPUT", ["userMetadata", "a"])),
        ({"userMetadata": {"a": "x" * 501}}, ("TOO_LARGE", ["userMetadata", "a"])),
        ({"userMetadata": many}, ("TOO_LARGE", ["userMetadata"])),
        ({"userMetadata": []}, ("INVALID_INPUT", ["userMetadata"])),
        ({"picture": "http://x/"}, ("INVALID_INPUT", ["picture"])),
    ):
        refused = await sign_up(world, **{"email": "jane@example.com", **input})
        assert refused["accepted"] is False
        [error] = refused["errors"]
        assert (error["code"], error["path"]) == expected, input
    assert await world.database["users"].count_documents({"tenant": world.tenant}) == 0
    ten = {f"k{n}": "x" * 500 for n in range(10)}
    assert await sign_up(world, email="jane@example.com", userMetadata=ten) == ACCEPTED
    await world.ask(SAVE, world.application_token(ALL_SCOPES), on=False)
    assert (await sign_up(world, email="late@example.com"))["errors"][0]["code"] == "NOT_EDITABLE"


async def test_application_creates_users_with_password_and_mail(world: World, mailbox: Mailbox) -> None:
    await world.add_connection()
    await world.add_connection("e", "email")
    token = world.application_token(ALL_SCOPES)

    async def create(**input: Any) -> Any:
        return (await world.ask(CREATE, token, input={"connection": DATABASE, **input}))["createUser"]

    more = {"password": PASSWORD, "sendVerificationEmail": True, "mustChangePassword": True}
    made = await create(email="jane@example.com", **more)
    assert made["errors"] == []
    assert (made["user"]["emailVerified"], made["user"]["mustChangePassword"]) == (False, True)
    assert (await verify_password(world, PASSWORD, "jane@example.com"))["mustChangePassword"] is True
    assert (await redeem_ticket(world, ticket_of(await mailbox.receive_to("jane@example.com"))))["errors"] == []
    for input, path in (
        ({"email": "a@example.com", "password": "short"}, ["password"]),
        ({"email": "a@example.com", "connection": "e", "password": PASSWORD}, ["password"]),
        ({"username": "a", "sendVerificationEmail": True}, ["sendVerificationEmail"]),
        ({"email": "a@example.com", "emailVerified": True, "sendVerificationEmail": True}, ["sendVerificationEmail"]),
    ):
        assert (await create(**input))["errors"] == [{"code": "INVALID_INPUT", "path": path}], input
    assert await world.database["users"].count_documents({"tenant": world.tenant}) == 1
    stored = await world.database["credentials"].find({"tenant": world.tenant}).to_list(None)
    assert len(stored) == 1


async def test_sign_up_beyond_the_mail_limit_creates_no_user(world: World, mailbox: Mailbox) -> None:
    token = world.application_token(ALL_SCOPES)
    for name in ("a", "b", "c", "d"):
        await world.add_connection(name)
        input = {"connection": name, "email": "jane@example.com", "sendVerificationEmail": True}
        made = (await world.ask(CREATE, token, input=input))["createUser"]
    assert made == {"user": None, "errors": [{"code": "RATE_LIMITED", "path": ["sendVerificationEmail"]}]}
    assert await world.database["users"].count_documents({"tenant": world.tenant}) == 3
    assert await world.database["log_events"].count_documents({"tenant": world.tenant}) == 3
    assert len(await mailbox.receive()) == 3
