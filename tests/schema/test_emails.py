"""Verifying and changing e-mail addresses, usernames and phone numbers, with mails and the page of their links."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.domain.mail import MAX_MAILS
from app.domain.times import now
from app.domain.users import User
from tests.mailbox import PUBLIC_URL, Mailbox, link_of, parts, ticket_of
from tests.schema.operations.tickets import TICKET_NOT_FOUND, redeem_ticket
from tests.world import ALL_SCOPES, DATABASE, World, codes

KINDS = {
    "sendVerificationEmail": "SelfActionInput",
    "changeEmail": "ChangeEmailInput",
    "changeUsername": "ChangeUsernameInput",
    "changePhoneNumber": "ChangePhoneNumberInput",
}
USER = (
    "user { version email emailVerified pendingEmail username phoneNumber phoneVerified } errors { code path message }"
)


async def act(world: World, mutation: str, token: str | None = None, **input: Any) -> Any:
    query = f"mutation($input: {KINDS[mutation]}!) {{ {mutation}(input: $input) {{ {USER} }} }}"
    return (await world.ask(query, token or world.application_token(ALL_SCOPES), input=input))[mutation]


@pytest.fixture
async def john(world: World) -> User:
    await world.add_connection()
    return await world.add_user("john", email_verified=False, email="john@example.com")


# ---------------------------------------------------------------- verifying


async def test_mailed_ticket_verifies_the_email_only_once(world: World, john: User, mailbox: Mailbox) -> None:
    token = world.user_token(john)
    asked = await act(world, "sendVerificationEmail", token, reason="new here")
    assert asked["errors"] == []
    assert (asked["user"]["emailVerified"], asked["user"]["version"]) == (False, 1)
    message = await mailbox.receive_to("john@example.com")
    assert message["From"] == "Profiles <no-reply@profiles.example.com>"
    assert message["Subject"] == "Confirm your e-mail address"
    assert message["Auto-Submitted"] == "auto-generated"
    assert link_of(message).startswith(f"{PUBLIC_URL}/ticket?ticket=")
    ticket = ticket_of(message)
    # A ticket has 256 bits. Only its hash is stored.
    assert len(ticket) == 43
    stored = await world.database["tickets"].find_one({"tenant": world.tenant})
    assert ticket not in str(stored)
    assert len(stored["hash"]) == 64
    done = await asyncio.gather(*(redeem_ticket(world, ticket) for _ in range(5)))
    assert sorted(bool(each["errors"]) for each in done) == [False, True, True, True, True]
    assert [each for each in done if each["errors"]] == [TICKET_NOT_FOUND] * 4
    assert await redeem_ticket(world, ticket) == TICKET_NOT_FOUND
    seen = await world.ask("{ viewer { emailVerified version } }", token)
    assert seen["viewer"] == {"emailVerified": True, "version": 2}
    requested, verified = await world.events(john)
    assert (requested["type"], requested["reason"]) == ("VERIFICATION_EMAIL_REQUESTED", "new here")
    assert (verified["type"], verified["user_version"]) == ("EMAIL_VERIFIED", 2)
    assert verified["changes"] == [{"path": "email_verified", "before": False, "after": True}]
    assert "actor" not in verified


async def test_only_the_form_of_the_page_redeems_the_ticket(world: World, john: User, mailbox: Mailbox) -> None:
    await act(world, "sendVerificationEmail", userId=john.user_id)
    link = link_of(await mailbox.receive_to("john@example.com")).removeprefix(PUBLIC_URL)
    for _ in range(3):
        page = await world.client.get(link)
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
    assert (await world.stored(john))["email_verified"] is False
    form = {"ticket": link.partition("ticket=")[2]}
    assert (await world.client.post("/ticket", json=form)).status_code == 415
    assert (await world.stored(john))["email_verified"] is False
    done = await world.client.post("/ticket", data=form)
    assert (done.status_code, "is confirmed" in done.text) == (200, True)
    assert (await world.stored(john))["email_verified"] is True
    for gone in (await world.client.post("/ticket", data=form), await world.client.get(link)):
        assert (gone.status_code, "no longer valid" in gone.text, "<form" in gone.text) == (404, True, False)


async def test_ticket_expires_with_time_newer_ticket_or_changed_email(
    world: World, john: User, mailbox: Mailbox
) -> None:
    async def ticket() -> str:
        await world.database["mail_counts"].delete_many({"tenant": world.tenant})
        assert (await act(world, "sendVerificationEmail", userId=john.user_id))["errors"] == []
        return ticket_of(await mailbox.receive_to((await world.stored(john))["email"]))

    first = await ticket()
    second = await ticket()
    assert await redeem_ticket(world, first) == TICKET_NOT_FOUND
    await world.database["tickets"].update_one({"tenant": world.tenant}, {"$set": {"expires_at": now()}})
    assert await redeem_ticket(world, second) == TICKET_NOT_FOUND
    third = await ticket()
    changed = await act(world, "changeEmail", userId=john.user_id, email="j@example.com", immediately=True)
    assert changed["user"]["email"] == "j@example.com"
    assert await redeem_ticket(world, third) == TICKET_NOT_FOUND
    # A ticket that was not revoked is refused too: it is valid only for the e-mail address to which it was sent.
    await mailbox.receive()
    fourth = await ticket()
    await world.database["users"].update_one({"_id": john.id}, {"$set": {"email": "other@example.com"}})
    assert await redeem_ticket(world, fourth) == TICKET_NOT_FOUND
    assert (await world.client.get(f"/ticket?ticket={fourth}")).status_code == 404
    fifth = await ticket()
    credential = {"tenant": world.tenant, "user": john.id, "hash": "x", "version": 1}
    await world.database["credentials"].insert_one(credential)
    assert await redeem_ticket(world, fifth) == TICKET_NOT_FOUND
    for nonsense in ("", "x", "x" * 10_000):
        assert await redeem_ticket(world, nonsense) == TICKET_NOT_FOUND
    assert (await world.stored(john))["email_verified"] is False


async def test_mail_with_an_invalid_ticket_is_not_sent(world: World, john: User, mailbox: Mailbox) -> None:
    await act(world, "sendVerificationEmail", userId=john.user_id)
    await act(world, "sendVerificationEmail", userId=john.user_id)
    assert len(await mailbox.receive()) == 1


async def test_ticket_of_a_blocked_user_is_valid_after_the_block(world: World, john: User, mailbox: Mailbox) -> None:
    await act(world, "sendVerificationEmail", userId=john.user_id)
    ticket = ticket_of(await mailbox.receive_to("john@example.com"))
    users = world.database["users"]
    await users.update_one({"_id": john.id}, {"$set": {"blocked": True}})
    assert await redeem_ticket(world, ticket) == {"purpose": None, "errors": [{"code": "USER_BLOCKED", "path": None}]}
    await users.update_one({"_id": john.id}, {"$set": {"blocked": False}})
    assert await redeem_ticket(world, ticket) == {"purpose": "VERIFY_EMAIL", "errors": []}


async def test_user_and_email_get_three_mails_an_hour(world: World, john: User, mailbox: Mailbox) -> None:
    asked = await asyncio.gather(*(act(world, "sendVerificationEmail", userId=john.user_id) for _ in range(6)))
    refused = [each["errors"][0]["code"] for each in asked if each["errors"]]
    assert refused == ["RATE_LIMITED"] * (6 - MAX_MAILS)
    assert len(await world.events(john)) == MAX_MAILS
    # Another user has the same e-mail address in another connection.
    await world.add_connection("other")
    jane = await world.add_user("jane", connection="other", email="john@example.com", email_verified=False)
    [error] = (await act(world, "sendVerificationEmail", userId=jane.user_id))["errors"]
    assert error["code"] == "RATE_LIMITED"
    counts, hours_ago = world.database["mail_counts"], now() - timedelta(hours=1, seconds=1)
    await counts.update_many({"tenant": world.tenant}, {"$set": {"times": [hours_ago] * MAX_MAILS}})
    assert (await act(world, "sendVerificationEmail", userId=jane.user_id))["errors"] == []


async def test_user_sends_three_mails_an_hour_to_changing_emails(world: World, john: User, mailbox: Mailbox) -> None:
    token = world.user_token(john)
    asked = [await act(world, "changeEmail", token, email=f"n{n}@example.com") for n in range(MAX_MAILS + 1)]
    assert [[(each["code"], each["path"]) for each in told["errors"]] for told in asked] == [
        *[[]] * MAX_MAILS,
        [("RATE_LIMITED", ["email"])],
    ]
    assert (await world.stored(john))["pending_email"] == f"n{MAX_MAILS - 1}@example.com"


async def test_verification_that_is_not_possible_is_refused(world: World, john: User) -> None:
    await world.add_connection("g", "google-oauth2")
    await world.add_connection("c", "custom")
    await world.add_user("verified", email_verified=True)
    await world.add_user("nobody", email=None)
    await world.add_user("gina", "google-oauth2", "g", email_verified=False)
    await world.add_user("carl", "custom", "c", email_verified=False)
    for user_id, path in (
        ("auth0|verified", ["userId"]),
        ("auth0|nobody", ["userId"]),
        ("google-oauth2|gina", ["email"]),
        ("custom|carl", ["email"]),
    ):
        [error] = (await act(world, "sendVerificationEmail", userId=user_id))["errors"]
        assert (error["code"], error["path"]) == ("NOT_EDITABLE", path), user_id
    [error] = (await act(world, "sendVerificationEmail", userId=john.user_id, ifVersion=9))["errors"]
    assert error["code"] == "VERSION_CONFLICT"


# ---------------------------------------------------------------- changing


async def test_users_new_email_is_pending_and_old_email_is_notified(world: World, john: User, mailbox: Mailbox) -> None:
    token = world.user_token(john)
    asked = await act(world, "changeEmail", token, email="New@Example.com", reason="moved", ifVersion=1)
    assert asked["errors"] == []
    told = asked["user"]
    assert (told["email"], told["pendingEmail"], told["version"]) == ("john@example.com", "new@example.com", 2)
    new, old = sorted(await mailbox.receive(), key=lambda each: each["To"] == "john@example.com")
    assert (new["To"], new["Subject"]) == ("new@example.com", "Confirm your new e-mail address")
    assert (old["To"], old["Subject"]) == ("john@example.com", "Request to change your e-mail address")
    assert "ticket=" not in str(old)
    ticket = ticket_of(new)
    assert await redeem_ticket(world, ticket) == {"purpose": "CHANGE_EMAIL", "errors": []}
    seen = (await world.ask(f"{{ viewer {{ {USER.partition('{')[2].partition('}')[0]} }} }}", token))["viewer"]
    assert (seen["email"], seen["emailVerified"], seen["pendingEmail"]) == ("new@example.com", True, None)
    done = await mailbox.receive_to("john@example.com")
    assert done["Subject"] == "Your e-mail address was changed"
    assert await redeem_ticket(world, ticket) == TICKET_NOT_FOUND
    requested, changed = await world.events(john)
    assert (requested["type"], requested["reason"]) == ("EMAIL_CHANGE_REQUESTED", "moved")
    assert changed["type"] == "EMAIL_CHANGED"
    assert {"path": "email", "before": "john@example.com", "after": "new@example.com"} in changed["changes"]
    # The new e-mail address finds the user, and the old one finds no user.
    find = "query($e: String!) { user(by: {email: {email: $e, connection: %r}}) { userId } }".replace(
        "%r", f'"{DATABASE}"'
    )
    tool = world.application_token(ALL_SCOPES)
    assert (await world.ask(find, tool, e="NEW@example.com"))["user"] == {"userId": john.user_id}
    assert (await world.ask(find, tool, e="john@example.com"))["user"] is None


async def test_taken_email_is_reported_to_its_owner_only(world: World, john: User, mailbox: Mailbox) -> None:
    await world.add_user("jane", email="jane@example.com", user_metadata={"language": "de"})
    token = world.user_token(john)
    free = await act(world, "changeEmail", token, email="free@example.com")
    await mailbox.receive()
    taken = await act(world, "changeEmail", token, email="Jane@example.com")
    assert free["errors"] == taken["errors"] == []
    assert taken["user"]["pendingEmail"] == "jane@example.com"
    mail = {each["To"]: each for each in await mailbox.receive()}
    assert set(mail) == {"jane@example.com", "john@example.com"}
    assert mail["jane@example.com"]["Subject"] == "Sie haben bereits ein Konto mit dieser E-Mail-Adresse"
    assert "ticket=" not in str(mail["jane@example.com"])
    events = await world.events(john)
    assert [each["type"] for each in events] == ["EMAIL_CHANGE_REQUESTED"] * 2


async def test_conflict_is_found_when_the_ticket_is_redeemed(world: World, john: User, mailbox: Mailbox) -> None:
    await act(world, "changeEmail", world.user_token(john), email="wanted@example.com")
    message = next(each for each in await mailbox.receive() if each["To"] == "wanted@example.com")
    jane = await world.add_user("jane", email="wanted@example.com")
    ticket = ticket_of(message)
    taken = {"purpose": None, "errors": [{"code": "ALREADY_EXISTS", "path": ["ticket"]}]}
    assert await redeem_ticket(world, ticket) == taken
    page = await world.client.post("/ticket", data={"ticket": ticket})
    assert (page.status_code, "another account" in page.text) == (422, True)
    assert (await world.stored(john))["email"] == "john@example.com"
    await world.database["users"].delete_one({"_id": jane.id})
    assert (await redeem_ticket(world, ticket))["errors"] == []


async def test_application_sets_email_at_once_unless_taken(world: World, john: User, mailbox: Mailbox) -> None:
    await world.add_user("jane", email="jane@example.com")
    for immediately in (True, False):
        refused = await act(
            world, "changeEmail", userId=john.user_id, email="JANE@example.com", immediately=immediately
        )
        assert [(each["code"], each["path"]) for each in refused["errors"]] == [("ALREADY_EXISTS", ["email"])]
    for verified in (True, False):
        address = f"v{verified}@example.com".lower()
        input: dict[str, Any] = {"userId": john.user_id, "email": address, "immediately": True, "verified": verified}
        told = (await act(world, "changeEmail", **input))["user"]
        assert (told["email"], told["emailVerified"], told["pendingEmail"]) == (address, verified, None)
    assert {each["Subject"] for each in await mailbox.receive()} == {"Your e-mail address was changed"}
    waiting = (await act(world, "changeEmail", userId=john.user_id, email="later@example.com"))["user"]
    assert waiting["pendingEmail"] == "later@example.com"
    # Sending the current e-mail address cancels the waiting change and its ticket.
    ticket = ticket_of(next(each for each in await mailbox.receive() if each["To"] == "later@example.com"))
    withdrawn = (await act(world, "changeEmail", userId=john.user_id, email="vfalse@example.com"))["user"]
    assert withdrawn["pendingEmail"] is None
    assert await world.database["tickets"].count_documents({"tenant": world.tenant}) == 0
    assert await redeem_ticket(world, ticket) == TICKET_NOT_FOUND


async def test_invalid_change_of_an_email_is_refused(world: World, john: User, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.add_connection("g", "google-oauth2")
    await world.add_connection("e", "email")
    await world.add_connection("c", "custom")
    await world.add_user("gina", "google-oauth2", "g")
    await world.add_user("carl", "custom", "c")
    await world.add_user("emil", "email", "e")
    token = world.user_token(john)
    for input, own, expected in (
        ({"email": "no address"}, True, ("INVALID_INPUT", ["email"])),
        ({"email": "n@example.com", "immediately": True}, True, ("FORBIDDEN_FIELD", ["immediately"])),
        ({"email": "n@example.com", "verified": True}, True, ("FORBIDDEN_FIELD", ["verified"])),
        ({"email": "n@example.com", "currentPassword": "wrong"}, True, ("INVALID_INPUT", ["currentPassword"])),
        ({"email": "n@example.com", "ifVersion": 7}, True, ("VERSION_CONFLICT", ["ifVersion"])),
        ({"email": "n@example.com", "verified": True, "userId": "auth0|john"}, False, ("INVALID_INPUT", ["verified"])),
        ({"email": "n@example.com", "userId": "google-oauth2|gina"}, False, ("NOT_EDITABLE", ["email"])),
        ({"email": "n@example.com", "userId": "custom|carl"}, False, ("NOT_EDITABLE", ["email"])),
        ({"email": "n@example.com", "userId": "auth0|nobody"}, False, ("NOT_FOUND", ["userId"])),
        ({"email": "n@example.com"}, False, ("INVALID_INPUT", ["userId"])),
    ):
        [error] = (await act(world, "changeEmail", token if own else None, **input))["errors"]
        assert (error["code"], error["path"]) == expected, input
        assert expected[0] != "NOT_EDITABLE" or "connection" in error["message"]
    assert (await act(world, "changeEmail", userId="email|emil", email="e@example.com"))["errors"] == []
    monkeypatch.setattr("app.services.writes.is_recent", lambda *_: False)
    query = 'mutation { changeEmail(input: {email: "n@example.com"}) { errors { code } } }'
    assert codes(await world.post(query, token)) == ["INSUFFICIENT_USER_AUTHENTICATION"]
    assert "pending_email" not in await world.stored(john)


# ---------------------------------------------------------------- username, phone number


async def test_connection_decides_if_username_and_phone_can_change(world: World, john: User) -> None:
    await world.add_connection("s", "sms")
    await world.add_connection("g", "google-oauth2")
    await world.add_user("gina", "google-oauth2", "g")
    await world.add_user("sam", "sms", "s", email=None, phone_number="+14258831929")
    await world.add_user("jane", username="jane", phone_number="+14258831930")
    token = world.user_token(john)
    named = (await act(world, "changeUsername", token, username="Johnny", reason="nicer"))["user"]
    assert (named["username"], named["version"]) == ("johnny", 2)
    told = await act(world, "changePhoneNumber", userId=john.user_id, phoneNumber="+1 425 883 1931", verified=True)
    assert (told["user"]["phoneNumber"], told["user"]["phoneVerified"]) == ("+14258831931", True)
    first, second = await world.events(john)
    assert (first["type"], first["reason"]) == ("USERNAME_CHANGED", "nicer")
    assert first["changes"] == [{"path": "username", "after": "johnny"}]
    assert (second["type"], second["actor"]["id"]) == ("PHONE_NUMBER_CHANGED", "support@clients")
    gone = (await act(world, "changePhoneNumber", userId=john.user_id, phoneNumber=None))["user"]
    assert (gone["phoneNumber"], gone["phoneVerified"]) == (None, None)
    assert (await act(world, "changeUsername", token, username=None))["user"]["username"] is None
    for mutation, input, expected in (
        ("changeUsername", {"userId": john.user_id, "username": "JANE"}, ("ALREADY_EXISTS", ["username"])),
        ("changeUsername", {"userId": john.user_id, "username": "a b"}, ("INVALID_INPUT", ["username"])),
        ("changeUsername", {"userId": "sms|sam", "username": "sam"}, ("NOT_EDITABLE", ["username"])),
        ("changeUsername", {"userId": "google-oauth2|gina", "username": "g"}, ("NOT_EDITABLE", ["username"])),
        (
            "changePhoneNumber",
            {"userId": john.user_id, "phoneNumber": "+14258831930"},
            ("ALREADY_EXISTS", ["phoneNumber"]),
        ),
        ("changePhoneNumber", {"userId": john.user_id, "phoneNumber": "12"}, ("INVALID_INPUT", ["phoneNumber"])),
        # A field that a client leaves out by mistake must not remove the value.
        ("changeUsername", {"userId": john.user_id}, ("INVALID_INPUT", ["username"])),
        ("changePhoneNumber", {"userId": john.user_id}, ("INVALID_INPUT", ["phoneNumber"])),
        # Users of a text message connection always need a phone number.
        ("changePhoneNumber", {"userId": "sms|sam", "phoneNumber": None}, ("INVALID_INPUT", ["phoneNumber"])),
    ):
        [error] = (await act(world, mutation, **input))["errors"]
        assert (error["code"], error["path"]) == expected, input
    await world.database["users"].update_one({"_id": john.id}, {"$unset": {"email": ""}, "$set": {"username": "j"}})
    [error] = (await act(world, "changeUsername", token, username=None))["errors"]
    assert error["code"] == "INVALID_INPUT"


async def test_same_email_and_number_stay_verified(world: World, john: User) -> None:
    """Without `verified`, the same e-mail address and phone number stay verified."""
    named = {"userId": john.user_id}
    address: dict[str, Any] = {**named, "email": "John@example.com", "immediately": True}
    assert (await act(world, "changeEmail", **address))["user"]["emailVerified"] is False
    assert (await act(world, "changeEmail", **address, verified=True))["user"]["emailVerified"] is True
    assert (await act(world, "changeEmail", **address))["user"]["emailVerified"] is True
    other = await act(world, "changeEmail", **{**address, "email": "other@example.com"})
    assert other["user"]["emailVerified"] is False
    number = {**named, "phoneNumber": "+14258831929"}
    assert (await act(world, "changePhoneNumber", **number, verified=True))["user"]["phoneVerified"] is True
    assert (await act(world, "changePhoneNumber", **number))["user"]["phoneVerified"] is True
    assert (await act(world, "changePhoneNumber", **number, verified=False))["user"]["phoneVerified"] is False
    assert (await act(world, "changePhoneNumber", **number, verified=True))["user"]["phoneVerified"] is True
    another = await act(world, "changePhoneNumber", **{**number, "phoneNumber": "+14258831930"})
    assert another["user"]["phoneVerified"] is False


async def test_mail_uses_the_users_name_and_language(world: World, mailbox: Mailbox) -> None:
    await world.add_connection()
    metadata = {"salutation": "Frau", "language": "de-AT"}
    jane = await world.add_user(
        "jane", email="jane@example.com", email_verified=True, name="Jane Doe", user_metadata=metadata
    )
    query = "mutation { sendPasswordResetEmail(input: {}) { errors { code } } }"
    assert (await world.ask(query, world.user_token(jane)))["sendPasswordResetEmail"]["errors"] == []
    message = await mailbox.receive_to("jane@example.com")
    assert (message["Subject"], message["Content-Language"]) == ("Wählen Sie ein neues Passwort", "de")
    for each in parts(message):
        assert "Guten Tag Frau Jane Doe," in each
    page = await world.client.get(link_of(message).removeprefix(PUBLIC_URL), headers={"accept-language": "fr"})
    assert ("Neues Passwort" in page.text, '<html lang="de">' in page.text) == (True, True)
    page = await world.client.get("/ticket?ticket=none", headers={"accept-language": "fr-CH, en;q=0.5"})
    assert "Ce lien n&#39;est plus valable" in page.text
