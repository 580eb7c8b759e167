"""Passwords: changing, verifying, importing hashes, and the reset by mail and its page."""

import asyncio
import html
from typing import Any

import bcrypt
import pytest
from argon2 import PasswordHasher

from app.domain.passwords import MAX_PASSWORD_CHANGES, MAX_TRIES
from app.domain.times import now
from app.domain.users import User
from app.main import build
from app.services.password_hashes import PasswordHashes
from app.settings import Settings
from tests.clients import client_of
from tests.mailbox import PUBLIC_URL, Mailbox, link_of, ticket_of
from tests.schema.operations.passwords import INVALID, NEW_PASSWORD, PASSWORD, VERIFY_PASSWORD, verify_password
from tests.schema.operations.tickets import TICKET_NOT_FOUND, redeem_ticket
from tests.world import ALL_SCOPES, DATABASE, World, codes

LONG = "".join(f"{number * 7919 % 997}, " for number in range(40))[:128]
CHANGE = """mutation($input: ChangePasswordInput!) { changePassword(input: $input) {
  user { version mustChangePassword lastPasswordReset } errors { code path message } } }"""
RESET = "mutation($input: SelfActionInput!) { sendPasswordResetEmail(input: $input) { errors { code path message } } }"


async def change(world: World, new: str, token: str | None = None, **input: Any) -> Any:
    given = {"newPassword": new, **input}
    return (await world.ask(CHANGE, token or world.application_token(ALL_SCOPES), input=given))["changePassword"]


async def count_devices(world: World) -> int:
    return int(await world.database["devices"].count_documents({"tenant": world.tenant}))


@pytest.fixture
async def john(world: World) -> User:
    await world.add_connection()
    return await world.add_user("john", username="johnny", phone_number="+14258831929")


# ---------------------------------------------------------------- changing


async def test_application_sets_a_password_that_must_be_changed(world: World, john: User) -> None:
    await world.add_device(john)
    payload = await change(world, PASSWORD, userId=john.user_id, reason="forgot it", ifVersion=1)
    assert payload["errors"] == []
    # A password is not part of the profile, so a change conflicts with no edit of the profile.
    assert (payload["user"]["version"], payload["user"]["mustChangePassword"]) == (1, True)
    assert payload["user"]["lastPasswordReset"] is not None
    assert await count_devices(world) == 0
    credential = await world.database["credentials"].find_one({"tenant": world.tenant})
    assert credential["hash"].startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert PASSWORD not in str(await world.stored(john))
    [event] = await world.events(john)
    assert (event["type"], event["reason"], event["actor"]["id"]) == (
        "PASSWORD_CHANGED",
        "forgot it",
        "support@clients",
    )
    assert PASSWORD not in str(event)
    assert credential["hash"] not in str(event)
    for identifier in ("john@example.com", "JOHN@example.com", "Johnny", "+14258831929"):
        found = await verify_password(world, PASSWORD, identifier)
        assert found == {"valid": True, "mustChangePassword": True, "user": {"userId": john.user_id}, "errors": []}
    payload = await change(world, NEW_PASSWORD, userId=john.user_id, mustChange=False)
    assert payload["user"]["mustChangePassword"] is False
    assert await verify_password(world, PASSWORD) == INVALID
    assert (await verify_password(world, NEW_PASSWORD))["mustChangePassword"] is False


async def test_verification_reads_the_profile_once(world: World, john: User, commands: list[str]) -> None:
    await change(world, PASSWORD, userId=john.user_id)
    query = VERIFY_PASSWORD.replace("userId", "id version name email raw lastPasswordReset")
    token = world.application_token(["verify:passwords", "read:users"])
    input = {"connection": DATABASE, "identifier": "john@example.com", "password": PASSWORD}
    commands.clear()
    verified = (await world.ask(query, token, input=input))["verifyPassword"]
    # The reads are of the profile, the connection, the credential and a bcrypt hash. The other commands count the attempt.
    assert commands.count("find") == 4
    query = '{ user(by: {userId: "auth0|john"}) { id version name email raw lastPasswordReset } }'
    assert verified["user"] == (await world.ask(query, token))["user"]


async def test_user_changes_password_with_old_one_or_recent_sign_in(
    world: World, john: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = world.user_token(john)
    payload = await change(world, PASSWORD, token)
    assert (payload["errors"], payload["user"]["mustChangePassword"]) == ([], False)
    monkeypatch.setattr("app.services.writes.is_recent", lambda *_: False)
    assert codes(await world.post(CHANGE, token, input={"newPassword": NEW_PASSWORD})) == [
        "INSUFFICIENT_USER_AUTHENTICATION"
    ]
    [error] = (await change(world, NEW_PASSWORD, token, currentPassword="wrong"))["errors"]
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["currentPassword"])
    assert (await verify_password(world, PASSWORD))["valid"]
    await world.add_device(john)
    assert (await change(world, NEW_PASSWORD, token, currentPassword=PASSWORD))["errors"] == []
    assert await count_devices(world) == 0
    assert (await verify_password(world, NEW_PASSWORD))["valid"]
    assert [each["type"] for each in await world.events(john)] == [
        "PASSWORD_CHANGED",
        "PASSWORD_CHANGE_FAILED",
        "PASSWORD_CHANGED",
    ]


async def test_wrong_current_passwords_are_limited(world: World, john: User, hashed: list[str]) -> None:
    await change(world, NEW_PASSWORD, userId=john.user_id)
    # Changes have their own limit, which is the same number.
    await world.database["password_changes"].delete_many({"tenant": world.tenant})
    token = world.user_token(john)
    tried = await asyncio.gather(
        *(change(world, PASSWORD, token, currentPassword="wrong") for _ in range(MAX_TRIES + 2))
    )
    assert sorted(each["errors"][0]["code"] for each in tried) == ["INVALID_INPUT"] * MAX_TRIES + ["RATE_LIMITED"] * 2
    [error] = (await change(world, PASSWORD, token, currentPassword=NEW_PASSWORD))["errors"]
    assert error["code"] == "RATE_LIMITED"


@pytest.mark.parametrize(
    "password",
    [
        "x" * 15,
        "fourteen chars",
        "a" * 64 + "b" * 65,
        "123456789987654321",
        "1QAZ2wsx3edc4rfv",
        "passwordpassword",
        "123456789012345",
        "qwertyuiopasdfgh",
        "passwordpassword1",
        "password password password",
        "abcdefghijklmnop",
        "tr0ub4dor&3;tr0ub4dor&3;",
        "iloveyou19900101",
        "my address is john@example.com",
        "all hail JOHNNY the first",
        "call me on +14258831929 now",
        "it is me, john, again",
        "with a\x00 zero in the middle",
    ],
)
async def test_password_that_is_easy_to_guess_is_refused(world: World, john: User, password: str) -> None:
    [error] = (await change(world, password, userId=john.user_id))["errors"]
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["newPassword"])
    assert password not in error["message"]
    assert await world.database["credentials"].count_documents({"tenant": world.tenant}) == 0


async def test_refusal_of_a_password_has_its_reason(world: World, john: User) -> None:
    reasons = {}
    for password in ("abcdefghijklmnop", "qwertyuiopasdfgh", "passwordpassword1", "too short"):
        [error] = (await change(world, password, userId=john.user_id))["errors"]
        reasons[password] = error["message"].partition(". ")[0]
    assert reasons == {
        "abcdefghijklmnop": "This password is easy to guess: it follows the alphabet, a series of numbers or the keyboard",
        "qwertyuiopasdfgh": "This password is easy to guess: it is similar to a commonly used password",
        "passwordpassword1": "This password is easy to guess: it repeats a part of itself",
        "too short": "The password must have 15 to 128 characters.",
    }


async def test_password_made_of_product_words_is_refused(world: World, john: User) -> None:
    password = f"{world.tenant}-2024"
    [error] = (await change(world, password, userId=john.user_id))["errors"]
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["newPassword"])
    assert "easy to guess" in error["message"]


@pytest.mark.parametrize(
    "password",
    ["all small and no digit", "        \U0001f40e horses \U0001f40e", "ﬁfteen letters", LONG],
)
async def test_password_may_contain_any_characters(world: World, john: User, password: str) -> None:
    assert (await change(world, password, userId=john.user_id))["errors"] == []
    assert (await verify_password(world, password))["valid"]
    # Another keyboard may type the two letters instead of the ligature.
    assert (await verify_password(world, password.replace("ﬁ", "fi")))["valid"]


async def test_only_database_users_have_a_password(world: World, john: User) -> None:
    for name, strategy, import_mode in (
        ("e", "email", False),
        ("g", "google-oauth2", False),
        ("c", "custom", False),
        ("i", "custom", True),
    ):
        await world.add_connection(name, strategy, import_mode=import_mode)
        await world.add_user(f"u{name}", strategy, name)
    for user_id in ("email|ue", "google-oauth2|ug", "custom|uc"):
        [error] = (await change(world, PASSWORD, userId=user_id))["errors"]
        assert (error["code"], error["path"]) == ("NOT_EDITABLE", ["newPassword"])
        reset = (await world.ask(RESET, world.application_token(ALL_SCOPES), input={"userId": user_id}))[
            "sendPasswordResetEmail"
        ]
        assert [(each["code"], each["path"]) for each in reset["errors"]] == [("NOT_EDITABLE", ["userId"])]
    assert (await change(world, PASSWORD, userId="custom|ui"))["errors"] == []
    for input, expected in (
        ({"userId": "auth0|nobody"}, ("NOT_FOUND", ["userId"])),
        ({"userId": john.user_id, "ifVersion": 5}, ("VERSION_CONFLICT", ["ifVersion"])),
    ):
        [error] = (await change(world, PASSWORD, **input))["errors"]
        assert (error["code"], error["path"]) == expected


async def test_one_of_concurrent_password_changes_wins(
    world: World, john: User, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await change(world, PASSWORD, userId=john.user_id)
    token = world.user_token(john)
    hash_all_together(monkeypatch, 3)
    payloads = await asyncio.gather(
        *(change(world, f"{NEW_PASSWORD} {n}", token, currentPassword=PASSWORD) for n in range(3))
    )
    assert sorted([error["code"] for error in each["errors"]] for each in payloads) == [
        [],
        ["CONTENDED"],
        ["CONTENDED"],
    ]
    valid = [n for n in range(3) if (await verify_password(world, f"{NEW_PASSWORD} {n}"))["valid"]]
    assert [payloads[n]["errors"] for n in valid] == [[]]
    # The same is true for the first password of a user.
    jane = await world.add_user("jane")
    hash_all_together(monkeypatch, 2)
    payloads = await asyncio.gather(*(change(world, f"{NEW_PASSWORD} {n}", userId=jane.user_id) for n in range(2)))
    assert sorted(len(each["errors"]) for each in payloads) == [0, 1]


# ---------------------------------------------------------------- limits of work


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The caller of each job of hashing. Passwords are not hashed, so that these tests are fast."""
    callers: list[str] = []

    async def hash(self: Any, caller: str, password: str) -> str:
        callers.append(caller)
        return f"hash of {password}"

    async def hashed_verify(self: Any, caller: str, hash: str | None, password: str, *more: Any) -> bool:
        callers.append(caller)
        return hash == f"hash of {password}"

    monkeypatch.setattr(PasswordHashes, "hash", hash)
    monkeypatch.setattr(PasswordHashes, "verify", hashed_verify)
    monkeypatch.setattr(PasswordHashes, "is_outdated", lambda *_: False)
    return callers


def hash_all_together(monkeypatch: pytest.MonkeyPatch, requests: int) -> None:
    """No new password is hashed before so many requests have one to hash. So all of them read the old one."""
    barrier = asyncio.Barrier(requests)

    async def hash(self: Any, caller: str, password: str) -> str:
        async with asyncio.timeout(10):
            await barrier.wait()
        return f"hash of {password}"

    monkeypatch.setattr(PasswordHashes, "hash", hash)


@pytest.mark.parametrize("password", ["", "x" * 1025])
async def test_impossible_password_is_refused_before_hashing(
    world: World, john: User, hashed: list[str], password: str
) -> None:
    token = world.user_token(john)
    for answer, path in (
        (await change(world, password, token), "newPassword"),
        (await change(world, password, token, currentPassword=PASSWORD), "newPassword"),
        (await change(world, PASSWORD, token, currentPassword=password), "currentPassword"),
        (await verify_password(world, password), "password"),
        (await verify_password(world, password, "nobody@example.com"), "password"),
        ({"errors": await import_user(world, password=password)}, "password"),
        (await change_email(world, token, currentPassword=password), "currentPassword"),
    ):
        assert [(each["code"], each["path"]) for each in answer["errors"]] == [("INVALID_INPUT", [path])]
    assert hashed == []
    for collection in ("password_tries", "password_changes"):
        assert await world.database[collection].count_documents({"tenant": world.tenant}) == 0


async def test_imported_password_may_be_long_or_short(world: World, john: User, hashed: list[str]) -> None:
    credential = {"tenant": world.tenant, "user": john.id, "version": 1}
    for password in ("x", "y" * 1024):
        new = {"$set": {"hash": f"hash of {password}"}}
        await world.database["credentials"].update_one(credential, new, upsert=True)
        assert (await verify_password(world, password))["valid"]


async def change_email(world: World, token: str, **input: Any) -> Any:
    query = "mutation($input: ChangeEmailInput!) { changeEmail(input: $input) { errors { code path } } }"
    return (await world.ask(query, token, input={"email": "new@example.com", **input}))["changeEmail"]


async def test_changes_of_a_password_are_limited_per_hour(world: World, john: User, hashed: list[str]) -> None:
    application, token = world.application_token(ALL_SCOPES), world.user_token(john)
    aliases = " ".join(
        f"c{n}: changePassword(input: $i{n}) {{ errors {{ code }} }}" for n in range(MAX_PASSWORD_CHANGES + 2)
    )
    inputs = {
        f"i{n}": {"userId": john.user_id, "newPassword": f"{PASSWORD} {n}"} for n in range(MAX_PASSWORD_CHANGES + 2)
    }
    query = f"mutation({', '.join(f'${name}: ChangePasswordInput!' for name in inputs)}) {{ {aliases} }}"
    answers = (await world.ask(query, application, **inputs)).values()
    assert [[error["code"] for error in each["errors"]] for each in answers] == [[]] * MAX_PASSWORD_CHANGES + [
        ["RATE_LIMITED"]
    ] * 2
    assert len(hashed) == MAX_PASSWORD_CHANGES
    # Setting and checking the current password share the count of the user.
    current = f"{PASSWORD} {MAX_PASSWORD_CHANGES - 1}"
    for payload in (
        await change(world, NEW_PASSWORD, token, currentPassword=current),
        await change_email(world, token, currentPassword=current),
    ):
        assert [each["code"] for each in payload["errors"]] == ["RATE_LIMITED"]
    assert len(hashed) == MAX_PASSWORD_CHANGES
    assert (await verify_password(world, current))["valid"]
    jane = await world.add_user("jane")
    assert (await change(world, PASSWORD, userId=jane.user_id))["errors"] == []
    await world.database["password_changes"].delete_many({"tenant": world.tenant, "user": john.id})
    assert (await change(world, NEW_PASSWORD, token, currentPassword=current))["errors"] == []


async def test_checks_of_current_password_count_as_changes(world: World, john: User, hashed: list[str]) -> None:
    await change(world, PASSWORD, userId=john.user_id)
    token = world.user_token(john)
    for _ in range(MAX_PASSWORD_CHANGES - 1):
        payload = await change_email(world, token, currentPassword=PASSWORD)
        assert "RATE_LIMITED" not in {each["code"] for each in payload["errors"] if each["path"] is None}
        await world.database["mail_counts"].delete_many({"tenant": world.tenant})
    payload = await change_email(world, token, currentPassword=PASSWORD)
    assert payload["errors"] == [{"code": "RATE_LIMITED", "path": None}]


async def test_redeeming_a_ticket_counts_as_a_change(
    world: World, john: User, hashed: list[str], mailbox: Mailbox
) -> None:
    await world.ask(RESET, world.user_token(john), input={})
    ticket = ticket_of(await mailbox.receive_to("john@example.com"))
    changes = world.database["password_changes"]
    await changes.insert_one(
        {"tenant": world.tenant, "user": john.id, "count": MAX_PASSWORD_CHANGES - 1, "recorded_at": now()}
    )
    for password in ("short", "abcdefghijklmnop"):
        payload = await redeem_ticket(world, ticket, newPassword=password)
        assert [each["code"] for each in payload["errors"]] == ["INVALID_INPUT"]
    # A password that is too short is not counted. The other one was examined, and is counted.
    payload = await redeem_ticket(world, ticket, newPassword=PASSWORD)
    assert [each["code"] for each in payload["errors"]] == ["RATE_LIMITED"]
    assert hashed == []
    await changes.delete_many({"tenant": world.tenant})
    assert (await redeem_ticket(world, ticket, newPassword=PASSWORD))["errors"] == []


async def test_hashing_is_queued_for_each_caller(world: World, john: User, hashed: list[str], mailbox: Mailbox) -> None:
    await world.ask(RESET, world.user_token(john), input={})
    await redeem_ticket(world, ticket_of(await mailbox.receive_to("john@example.com")), newPassword=PASSWORD)
    await change(world, NEW_PASSWORD, world.user_token(john), currentPassword=PASSWORD)
    await import_user(world, password=PASSWORD)
    for ip in ("203.0.113.7", "203.0.113.8", None):
        await verify_password(world, "wrong", ip=ip)
    user, application = f"{world.tenant}/None/auth0|john", f"{world.tenant}/None/support@clients"
    assert hashed == [
        "ip/127.0.0.1",
        user,
        user,
        application,
        *(f"{application}/{ip}" for ip in ("203.0.113.7", "203.0.113.8", "")),
    ]


# ---------------------------------------------------------------- verifying


async def test_unknown_user_takes_the_work_of_a_wrong_password(
    world: World, john: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.add_user("jane")
    await change(world, PASSWORD, userId=john.user_id)
    hashed: list[str] = []
    verify_hash = PasswordHasher.verify

    def counted(self: Any, hash: str, password: Any) -> Any:
        hashed.append(hash.rpartition("$")[0].rpartition("$")[0])
        return verify_hash(self, hash, password)

    monkeypatch.setattr("argon2.PasswordHasher.verify", counted)
    for identifier in ("john@example.com", "jane@example.com", "nobody@example.com", "", "auth0|john"):
        assert await verify_password(world, NEW_PASSWORD, identifier) == INVALID
    # Each attempt computed one hash with the same parameters.
    assert hashed == ["$argon2id$v=19$m=65536,t=3,p=1"] * 5
    # When one account has a bcrypt hash, each attempt computes one hash of both kinds.
    hashed.clear()
    check = bcrypt.checkpw

    def counted_bcrypt(password: bytes, hash: bytes) -> bool:
        hashed.append(hash[:7].decode())
        return check(password, hash)

    monkeypatch.setattr("bcrypt.checkpw", counted_bcrypt)
    old = bcrypt.hashpw(b"tiny old password", bcrypt.gensalt(4)).decode()
    assert await import_user(world, passwordHash=old) == []
    for identifier in ("john@example.com", "old@example.com", "nobody@example.com"):
        assert await verify_password(world, NEW_PASSWORD, identifier) == INVALID
        assert sorted(hashed) == ["$2b$04$", "$argon2id$v=19$m=65536,t=3,p=1"]
        hashed.clear()


@pytest.mark.usefixtures("without_hashing")
async def test_wrong_passwords_are_limited_by_account_and_ip_address(world: World, john: User) -> None:
    await change(world, PASSWORD, userId=john.user_id)
    limited = {
        "valid": None,
        "mustChangePassword": None,
        "user": None,
        "errors": [{"code": "RATE_LIMITED", "path": None}],
    }
    for identifier in ("john@example.com", "nobody@example.com"):
        # The attempts are concurrent: each is counted before its password is verified.
        tried = await asyncio.gather(
            *(verify_password(world, "wrong", identifier, ip="203.0.113.7") for _ in range(MAX_TRIES + 3))
        )
        assert sorted(tried, key=str) == sorted([INVALID] * MAX_TRIES + [limited] * 3, key=str)
    assert await verify_password(world, PASSWORD, ip="203.0.113.7") == limited
    # From another IP address the password is valid, and that resets the count.
    assert (await verify_password(world, PASSWORD, ip="203.0.113.8"))["valid"]
    for _ in range(MAX_TRIES + 1):
        assert (await verify_password(world, PASSWORD, ip="203.0.113.9"))["valid"]


@pytest.fixture
def without_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compares passwords without hashing them, for tests of how often passwords are compared."""

    def compare(self: PasswordHashes, hash: str | None, password: str, bcrypt_hash: str | None) -> bool:
        return hash is not None and password == PASSWORD

    monkeypatch.setattr(PasswordHashes, "_verify", compare)


async def results(world: World, *identifiers: str, **input: Any) -> list[str]:
    """Tries a wrong password for each identifier. Returns "False" when it was compared, or the code of the refusal."""
    payloads = [await verify_password(world, "wrong", each, **input) for each in identifiers]
    return [each["errors"][0]["code"] if each["errors"] else str(each["valid"]) for each in payloads]


@pytest.mark.usefixtures("without_hashing")
async def test_identifiers_of_an_account_share_one_count(world: World, john: User) -> None:
    await change(world, PASSWORD, userId=john.user_id)
    spellings = ("john@example.com", "johnny", "+14258831929", "JOHN@example.com", "Johnny")
    assert await results(world, *spellings * 2, ip="2001:db8::1") == ["False"] * MAX_TRIES
    refused = ["RATE_LIMITED"] * len(spellings)
    assert await results(world, *spellings, ip="2001:db8::1") == refused
    # The same IP address can be written in other ways.
    assert await results(world, *spellings, ip="2001:0DB8:0::0001") == refused
    assert (await verify_password(world, PASSWORD, ip="2001:DB8::1"))["errors"][0]["code"] == "RATE_LIMITED"
    # An unknown identifier and another user have their own counts.
    await world.add_user("jane")
    assert await results(world, "nobody", "jane@example.com", ip="2001:db8::1") == ["False"] * 2


@pytest.mark.usefixtures("without_hashing")
async def test_spellings_of_an_unknown_name_share_one_count(world: World, john: User) -> None:
    assert await results(world, *("Nobody", "nobody") * 5) == ["False"] * MAX_TRIES
    assert await results(world, "NOBODY", "\uff2eobody", "nobody2") == ["RATE_LIMITED"] * 2 + ["False"]


@pytest.mark.usefixtures("without_hashing")
async def test_identifiers_share_the_count_of_all_ip_addresses(world: World, john: User) -> None:
    await verify_password(world, "wrong", "johnny", ip="203.0.113.1")
    tries = world.database["password_tries"]
    await tries.update_many({"tenant": world.tenant}, {"$set": {"count": 100}})
    assert await results(world, "john@example.com", ip="203.0.113.2") == ["RATE_LIMITED"]
    # A wrong current password is counted, too.
    [error] = (await change(world, NEW_PASSWORD, world.user_token(john), currentPassword="wrong"))["errors"]
    assert error["code"] == "RATE_LIMITED"


@pytest.mark.usefixtures("without_hashing")
async def test_linked_account_has_its_own_count(world: World, john: User) -> None:
    await world.add_user("jane", username="janey")
    link = """mutation { linkIdentity(input: {userId: "auth0|john", secondary: {userId: "auth0|jane"}}) {
      errors { code } } }"""
    assert (await world.ask(link, world.application_token(ALL_SCOPES)))["linkIdentity"]["errors"] == []
    assert await results(world, *("jane@example.com", "janey") * 5) == ["False"] * MAX_TRIES
    assert await results(world, "janey", "jane@example.com") == ["RATE_LIMITED"] * 2
    assert await results(world, "john@example.com", "johnny") == ["False"] * 2


async def test_attempt_is_counted_before_it_is_hashed(
    world: World, john: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries, counted = world.database["password_tries"], []
    verify_hash = PasswordHashes.verify

    async def counting(self: Any, *arguments: Any) -> bool:
        counted.append(await tries.count_documents({"tenant": world.tenant}))
        return await verify_hash(self, *arguments)

    monkeypatch.setattr(PasswordHashes, "verify", counting)
    await verify_password(world, "wrong")
    await tries.delete_many({"tenant": world.tenant})
    await change(world, PASSWORD, world.user_token(john), currentPassword="wrong")
    assert counted == [2, 2]


async def test_verify_refuses_text_that_is_no_ip_address(world: World, john: User) -> None:
    for ip in ("", "somewhere", "203.0.113.7.", "x" * 100_000):
        assert (await verify_password(world, PASSWORD, ip=ip))["errors"] == [{"code": "INVALID_INPUT", "path": ["ip"]}]
    assert await world.database["password_tries"].count_documents({"tenant": world.tenant}) == 0


async def test_many_ip_addresses_do_not_evade_the_limit(world: World, john: User) -> None:
    tries = world.database["password_tries"]
    await verify_password(world, "wrong", ip="203.0.113.1")
    await tries.update_many({"tenant": world.tenant}, {"$set": {"count": 100}})
    assert (await verify_password(world, "wrong", ip="203.0.113.2"))["errors"][0]["code"] == "RATE_LIMITED"


async def test_only_the_right_password_reveals_a_blocked_user(world: World, john: User) -> None:
    await change(world, PASSWORD, userId=john.user_id)
    await world.database["users"].update_one({"_id": john.id}, {"$set": {"blocked": True}})
    assert await verify_password(world, NEW_PASSWORD) == INVALID
    assert (await verify_password(world, PASSWORD))["errors"] == [{"code": "USER_BLOCKED", "path": None}]


async def test_verify_needs_a_database_connection(world: World, john: User) -> None:
    await world.add_connection("g", "google-oauth2")
    assert (await verify_password(world, PASSWORD, connection="none"))["errors"] == [
        {"code": "NOT_FOUND", "path": ["connection"]}
    ]
    assert (await verify_password(world, PASSWORD, connection="g"))["errors"] == [
        {"code": "INVALID_INPUT", "path": ["connection"]}
    ]


CREATE = "mutation($input: CreateUserInput!) { createUser(input: $input) { errors { code path } } }"


async def import_user(world: World, **input: Any) -> Any:
    given = {"connection": DATABASE, "email": "old@example.com", **input}
    return (await world.ask(CREATE, world.application_token(ALL_SCOPES), input=given))["createUser"]["errors"]


@pytest.mark.parametrize("prefix", [b"2a", b"2b"])
async def test_bcrypt_hash_is_replaced_after_the_right_password(world: World, prefix: bytes) -> None:
    await world.add_connection()
    old = bcrypt.hashpw(b"tiny old password", bcrypt.gensalt(4, prefix)).decode()
    assert await import_user(world, passwordHash=old) == []
    credentials = world.database["credentials"]
    assert await verify_password(world, "tiny old passwort", "old@example.com") == INVALID
    assert (await credentials.find_one({"tenant": world.tenant}))["hash"] == old
    for _ in range(2):
        assert (await verify_password(world, "tiny old password", "old@example.com"))["valid"]
        stored = await credentials.find_one({"tenant": world.tenant})
        assert stored["hash"].startswith("$argon2id$v=19$m=65536,t=3,p=1$")
        assert stored["version"] == 1
    assert old not in str(await world.database["log_events"].find({"tenant": world.tenant}).to_list(None))
    await credentials.update_one({"tenant": world.tenant}, {"$set": {"hash": "nonsense"}})
    assert await verify_password(world, "nonsense", "old@example.com") == INVALID


async def test_weaker_argon2_hash_is_replaced(world: World) -> None:
    await world.add_connection()
    old = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=2).hash("tiny old password")
    assert await import_user(world, passwordHash=old) == []
    assert (await verify_password(world, "tiny old password", "old@example.com"))["valid"]
    stored = await world.database["credentials"].find_one({"tenant": world.tenant})
    assert stored["hash"].startswith("$argon2id$v=19$m=65536,t=3,p=1$")


async def test_invalid_or_expensive_hash_is_refused(world: World) -> None:
    await world.add_connection()
    await world.add_connection("e", "email")
    valid = bcrypt.hashpw(b"tiny old password", bcrypt.gensalt(4)).decode()
    argon2 = "$argon2id$v=19$m={},t={},p={}$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG"
    for input in (
        {"passwordHash": ""},
        {"passwordHash": "d41d8cd98f00b204e9800998ecf8427e"},
        {"passwordHash": valid[:-1]},
        {"passwordHash": valid.replace("$04$", "$15$")},
        {"passwordHash": argon2.format(262_145, 1, 1)},
        {"passwordHash": argon2.format(1024, 11, 1)},
        {"passwordHash": argon2.format(1024, 1, 17)},
        {"passwordHash": argon2.format(1024, 1, 1).replace("argon2id", "argon2i")},
        {"passwordHash": valid, "password": PASSWORD},
        {"passwordHash": valid, "connection": "e"},
    ):
        assert await import_user(world, **input) == [{"code": "INVALID_INPUT", "path": ["passwordHash"]}], input
    assert await world.database["users"].count_documents({"tenant": world.tenant}) == 0


# ---------------------------------------------------------------- reset by mail


async def test_mailed_ticket_sets_a_password_once(
    world: World, john: User, mailbox: Mailbox, hashed: list[str]
) -> None:
    await world.add_device(john)
    asked = await world.ask(
        RESET, world.application_token(ALL_SCOPES), input={"userId": john.user_id, "reason": "by phone"}
    )
    assert asked["sendPasswordResetEmail"]["errors"] == []
    message = await mailbox.receive_to("john@example.com")
    ticket = ticket_of(message)
    for password, expected in ((None, "INVALID_INPUT"), ("short", "INVALID_INPUT")):
        payload = await redeem_ticket(world, ticket, **({"newPassword": password} if password else {}))
        assert payload["errors"] == [{"code": expected, "path": ["newPassword"]}]
    assert await count_devices(world) == 1
    done = await asyncio.gather(*(redeem_ticket(world, ticket, newPassword=f"{PASSWORD} {n}") for n in range(3)))
    assert sorted(each["purpose"] or "" for each in done) == ["", "", "RESET_PASSWORD"]
    assert [each for each in done if each["errors"]] == [TICKET_NOT_FOUND] * 2
    winner = next(n for n, each in enumerate(done) if not each["errors"])
    found = await verify_password(world, f"{PASSWORD} {winner}")
    assert (found["valid"], found["mustChangePassword"]) == (True, False)
    assert await count_devices(world) == 0
    assert [each["type"] for each in await world.events(john)] == ["PASSWORD_CHANGE_REQUESTED", "PASSWORD_CHANGED"]


async def test_reset_page_explains_refusals_and_sets_password(world: World, john: User, mailbox: Mailbox) -> None:
    await world.ask(RESET, world.user_token(john), input={})
    link = link_of(await mailbox.receive_to("john@example.com")).removeprefix(PUBLIC_URL)
    page = await world.client.get(link)
    assert 'type="password"' in page.text
    form = {"ticket": link.partition("ticket=")[2], "password": "short"}
    refused = await world.client.post("/ticket", data=form)
    assert (refused.status_code, "15 to 128 characters" in refused.text, "short" in refused.text) == (422, True, False)
    refused = await world.client.post("/ticket", data={**form, "password": "qwertyuiopasdfgh"})
    assert (refused.status_code, "commonly used password" in refused.text) == (422, True)
    done = await world.client.post("/ticket", data={**form, "password": PASSWORD})
    assert (done.status_code, "was changed" in done.text) == (200, True)
    assert (await verify_password(world, PASSWORD))["valid"]


RULES = {
    "en": "Use {} to 128 characters. The password must not be easy to guess",
    "de": "Verwenden Sie {} bis 128 Zeichen. Das Passwort darf nicht leicht zu erraten sein",
    "es": "Use de {} a 128 caracteres. La contraseña no debe ser fácil de adivinar",
    "fr": "Utilisez de {} à 128 caractères. Le mot de passe ne doit pas être facile à deviner",
    "ja": "{}文字以上128文字以下で、推測されにくいもの",
}


@pytest.mark.parametrize("has_mfa", [False, True])
@pytest.mark.parametrize("language", RULES)
async def test_reset_page_states_the_rule_that_it_enforces(
    world: World, john: User, mailbox: Mailbox, settings: Settings, language: str, has_mfa: bool
) -> None:
    await world.database["users"].update_one({"_id": john.id}, {"$set": {"user_metadata": {"lang": language}}})
    await world.ask(RESET, world.user_token(john), input={})
    ticket = ticket_of(await mailbox.receive_to("john@example.com"))
    tenants = [world.tenant] if has_mfa else ["another"]
    app = build(settings.model_copy(update={"mfa_tenants": tenants}), world.database)
    minimum = 8 if has_mfa else 15
    async with client_of(app) as client:
        page = await client.get("/ticket", params={"ticket": ticket}, headers={"accept-language": "xx"})
        # A refusal shows the form again, with the rule.
        short = {"ticket": ticket, "password": "k7#vQ2xzpT4!mm"[: minimum - 1]}
        refused = await client.post("/ticket", data=short)
    assert (page.status_code, refused.status_code) == (200, 422)
    for shown in (page.text, refused.text):
        assert f'<html lang="{language}">' in shown
        assert RULES[language].format(minimum) in html.unescape(shown)
        assert f'minlength="{minimum}"' in shown
        assert 'aria-describedby="rule"' in shown


async def test_reset_page_gives_the_reason_in_its_language(world: World, john: User, mailbox: Mailbox) -> None:
    await world.database["users"].update_one({"_id": john.id}, {"$set": {"user_metadata": {"lang": "de"}}})
    await world.ask(RESET, world.user_token(john), input={})
    ticket = ticket_of(await mailbox.receive_to("john@example.com"))
    for password, words in (("qwertyuiopasdfgh", "leicht zu erraten"), ("kurz", "15 bis 128 Zeichen")):
        refused = await world.client.post("/ticket", data={"ticket": ticket, "password": password})
        assert (refused.status_code, words in refused.text, "The password" in refused.text) == (422, True, False)


async def test_password_change_invalidates_every_ticket(world: World, john: User, mailbox: Mailbox) -> None:
    await world.ask(RESET, world.user_token(john), input={})
    ticket = ticket_of(await mailbox.receive_to("john@example.com"))
    await change(world, PASSWORD, userId=john.user_id)
    assert await world.database["tickets"].count_documents({"tenant": world.tenant}) == 0
    assert await redeem_ticket(world, ticket, newPassword=NEW_PASSWORD) == TICKET_NOT_FOUND
    assert (await verify_password(world, PASSWORD))["valid"]


async def test_verification_ticket_sets_no_password(world: World, mailbox: Mailbox) -> None:
    await world.add_connection()
    jane = await world.add_user("jane", email_verified=False)
    query = "mutation { sendVerificationEmail(input: {}) { errors { code } } }"
    await world.ask(query, world.user_token(jane))
    ticket = ticket_of(await mailbox.receive_to("jane@example.com"))
    payload = await redeem_ticket(world, ticket, newPassword=PASSWORD)
    assert payload["errors"] == [{"code": "INVALID_INPUT", "path": ["newPassword"]}]
    assert await world.database["credentials"].count_documents({"tenant": world.tenant}) == 0


async def test_user_without_email_gets_no_reset_mail(world: World) -> None:
    await world.add_connection()
    await world.add_user("jim", email=None, username="jim")
    payload = (await world.ask(RESET, world.application_token(ALL_SCOPES), input={"userId": "auth0|jim"}))[
        "sendPasswordResetEmail"
    ]
    assert [each["code"] for each in payload["errors"]] == ["NOT_EDITABLE"]
