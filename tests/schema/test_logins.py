"""Logins through GraphQL on the real database: how they change the profile, the identity, the device and the history."""

import asyncio
import itertools
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.domain.connections import SyncRootAttributes, kind_of
from app.domain.login_rules import MOVE_USER_METADATA, LoginRule
from app.domain.logins import MAX_FAILURES, MAX_PROFILE_BYTES
from app.domain.times import format_time, now
from app.services.devices import hash_token
from tests.clients import service_client
from tests.domain.golden_pairs import CASES, claims_of, payload_of
from tests.geo.databases import LYON, write_database
from tests.schema.operations.logins import RECORD_LOGIN, record_failed_login, record_login, try_login
from tests.world import ALL_SCOPES, DATABASE, World, codes

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5"
    " Mobile/15E148 Safari/604.1"
)


def refusal(recorded: Any) -> tuple[str, list[str] | None]:
    [error] = recorded["errors"]
    assert recorded["user"] is None
    assert recorded["logEvent"] is None
    return error["code"], error["path"]


def root(user: Any, name: str) -> tuple[Any, str]:
    [found] = [each for each in user["rootAttributes"] if each["name"] == name]
    return found["value"], found["source"]


async def count(world: World, collection: str) -> int:
    return int(await world.database[collection].count_documents({"tenant": world.tenant}))


# ---------------------------------------------------------------- each strategy


@pytest.mark.parametrize("strategy", sorted({strategy for strategy, _ in CASES}))
async def test_login_of_each_strategy_creates_user_device_and_event(world: World, strategy: str) -> None:
    name = f"{strategy}-here"
    await world.add_connection(name, strategy)
    for case in [case for each, case in CASES if each == strategy]:
        raw, claims = payload_of(strategy, case), claims_of(strategy, case)
        before = await count(world, "users")
        recorded = await record_login(
            world, name, raw, ip="203.0.113.7", userAgent=FIREFOX, clientId="web", clientName="Web",
            device={"deviceId": case, "token": case},
        )  # fmt: skip
        user, event = recorded["user"], recorded["logEvent"]
        [identity] = user["identities"]
        assert (identity["provider"], identity["connection"]) == (strategy, name)
        assert identity["isPrimary"]
        assert identity["isSocial"] is (kind_of(strategy) == "SOCIAL")
        assert identity["userId"] == claims.get("user_id", identity["userId"])
        middle = f"{name}|" if kind_of(strategy) == "ENTERPRISE" else ""
        assert user["userId"] == f"{strategy}|{middle}{identity['userId']}"
        for claim, field in (("email", "email"), ("given_name", "givenName"), ("phone_number", "phoneNumber")):
            assert user[field] == claims.get(claim) or not recorded["created"]
        [device] = [each for each in user["devices"]["nodes"] if each["deviceId"] == case]
        assert (device["name"], device["clientName"], device["lastIp"]) == ("Firefox on Linux", "Web", "203.0.113.7")
        assert (event["type"], event["code"], event["strategy"]) == ("LOGIN_SUCCEEDED", "s", strategy)
        assert (event["connection"], event["ip"], event["clientId"]) == (name, "203.0.113.7", "web")
        assert event["isMobile"] is False
        assert user["lastIp"] == "203.0.113.7"
        # A second login of the same account finds the same profile.
        again = await record_login(world, name, raw)
        assert (again["created"], again["user"]["id"]) == (False, user["id"])
        assert again["user"]["loginsCount"] == user["loginsCount"] + 1
        assert again["user"]["version"] == user["version"]
        assert await count(world, "users") == before + recorded["created"]


async def test_social_account_is_one_user_across_connections(world: World) -> None:
    for name in ("google-one", "google-two"):
        await world.add_connection(name, "google-oauth2")
    for name in ("corp-one", "corp-two"):
        await world.add_connection(name, "oidc")
    first = await record_login(world, "google-one", {"sub": "1", "email": "a@b.c"})
    assert (await record_login(world, "google-two", {"sub": "1"}))["user"]["id"] == first["user"]["id"]
    one, two = [await record_login(world, name, {"sub": "1", "email": "a@b.c"}) for name in ("corp-one", "corp-two")]
    assert len({first["user"]["id"], one["user"]["id"], two["user"]["id"]}) == 3
    # An e-mail address never identifies an account of a provider. Two accounts can have the same one.
    assert (await record_login(world, "corp-one", {"sub": "2", "email": "a@b.c"}))["created"]
    assert (one["user"]["userId"], two["user"]["userId"]) == ("oidc|corp-one|1", "oidc|corp-two|1")


@pytest.mark.parametrize(
    ("strategy", "profile", "same", "other"),
    [
        ("auth0", {"email": "Jane@Example.com"}, {"email": "jane@example.COM"}, {"email": "jan@example.com"}),
        ("auth0", {"username": "Jane"}, {"username": "jane"}, {"username": "janet"}),
        ("email", {"email": "jane@example.com"}, {"email": "JANE@example.com"}, {"email": "j@example.com"}),
        ("sms", {"phone_number": "+14258831929"}, {"phone_number": "+14258831929"}, {"phone_number": "+14258831920"}),
    ],
)
async def test_database_account_is_found_by_email_name_or_number(
    world: World, strategy: str, profile: Any, same: Any, other: Any
) -> None:
    await world.add_connection("here", strategy)
    await world.add_connection("there", strategy)
    first = (await record_login(world, "here", profile))["user"]
    assert (await record_login(world, "here", same))["user"]["id"] == first["id"]
    assert (await record_login(world, "here", other))["user"]["id"] != first["id"]
    assert (await record_login(world, "there", same))["created"]


async def test_passwordless_login_verifies_email_or_phone_number(world: World) -> None:
    await world.add_connection("email", "email")
    await world.add_connection("sms", "sms")
    assert (await record_login(world, "email", {"email": "jane@example.com"}))["user"]["emailVerified"] is True
    assert (await record_login(world, "sms", {"phone_number": "+14258831929"}))["user"]["phoneVerified"] is True
    jane = await world.add_user("jane2", "email", "email", email="jane2@example.com", email_verified=False)
    assert (await record_login(world, "email", {"email": "jane2@example.com"}))["user"]["emailVerified"] is True
    assert (await world.stored(jane))["version"] == 2


async def test_new_account_with_a_taken_email_is_refused(world: World) -> None:
    await world.add_connection()
    await record_login(world, DATABASE, {"user_id": "1", "email": "jane@example.com"})
    assert refusal(await try_login(world, DATABASE, {"user_id": "2", "email": "jane@example.com"})) == (
        "ALREADY_EXISTS",
        ["profile"],
    )


# ---------------------------------------------------------------- sync settings


async def test_on_each_login_refreshes_root_attributes(world: World) -> None:
    await world.add_connection("g", "google-oauth2")
    await record_login(world, "g", {"sub": "1", "name": "Jane", "given_name": "Jane", "email": "jane@example.com"})
    second = await record_login(
        world, "g", {"sub": "1", "name": "Jane Doe", "family_name": "Doe", "email": "doe@example.com"}
    )
    user = second["user"]
    assert (user["name"], user["familyName"], user["email"], user["version"]) == (
        "Jane Doe",
        "Doe",
        "doe@example.com",
        2,
    )
    # A value that the provider does not send stays, and so does a default.
    assert (user["givenName"], user["nickname"]) == ("Jane", "jane")
    assert root(user, "NAME") == ("Jane Doe", "IDP")
    assert root(user, "NICKNAME") == ("jane", "DEFAULT")
    changes = {each["path"]: (each["before"], each["after"]) for each in second["logEvent"]["changes"]}
    assert changes["name"] == ("Jane", "Jane Doe")
    assert changes["email"] == ("jane@example.com", "doe@example.com")
    assert second["logEvent"]["userVersion"] == 2


async def test_on_first_login_sets_root_attributes_once(world: World) -> None:
    await world.add_connection("g", "google-oauth2", SyncRootAttributes.ON_FIRST_LOGIN)
    first = (await record_login(world, "g", {"sub": "1", "name": "Jane"}))["user"]
    assert root(first, "NAME") == ("Jane", "IDP")
    assert all(each["editable"] for each in first["rootAttributes"])
    edit = 'mutation($id: String!) { updateRootAttributes(input: {userId: $id, name: "Mine"}) { errors { code } } }'
    assert (await world.ask(edit, world.application_token(ALL_SCOPES), id=first["userId"]))["updateRootAttributes"][
        "errors"
    ] == []
    user = (await record_login(world, "g", {"sub": "1", "name": "Jane Doe"}))["user"]
    assert root(user, "NAME") == ("Mine", "ADMIN")
    assert user["version"] == 2


async def test_sync_never_refuses_new_users_and_copies_nothing(world: World) -> None:
    await world.add_connection("g", "google-oauth2", SyncRootAttributes.NEVER)
    assert refusal(await try_login(world, "g", {"sub": "1", "name": "Jane"})) == ("NOT_FOUND", ["profile"])
    assert await count(world, "users") == 0
    await world.add_user("2", "google-oauth2", "g", name="Ours")
    user = (await record_login(world, "g", {"sub": "2", "name": "Theirs"}))["user"]
    assert (user["name"], user["loginsCount"], user["version"]) == ("Ours", 1, 1)


@pytest.mark.parametrize("strategy", ["auth0", "email", "sms"])
@pytest.mark.parametrize("sync", list(SyncRootAttributes))
async def test_sync_setting_does_not_apply_to_database_accounts(
    world: World, strategy: str, sync: SyncRootAttributes
) -> None:
    await world.add_connection("c", strategy, sync)
    profile = {"user_id": "1", "email": "a@b.c", "phone_number": "+14258831929", "name": "First"}
    assert (await record_login(world, "c", profile))["user"]["name"] == "First"
    user = (await record_login(world, "c", {**profile, "name": "Second", "email": "new@b.c"}))["user"]
    assert (user["name"], user["email"], user["version"]) == ("First", "a@b.c", 1)


async def test_only_primary_identitys_login_changes_root_attributes(world: World) -> None:
    await world.add_connection()
    await world.add_connection("g", "google-oauth2")
    john = await world.add_user("john")
    second = {"provider": "google-oauth2", "connection": "g", "user_id": "9", "is_social": True}
    await world.database["users"].update_one(
        {"_id": john.id}, {"$push": {"identities": second, "keys": "sub:google-oauth2::9"}}
    )
    user = (await record_login(world, "g", {"sub": "9", "name": "Other", "email": "other@example.com"}))["user"]
    assert (user["userId"], user["name"], user["email"]) == ("auth0|john", "John", "john@example.com")
    assert user["identities"][1]["profileData"] == {"sub": "9", "name": "Other", "email": "other@example.com"}
    assert (user["version"], user["loginsCount"]) == (1, 1)


async def test_provider_sets_none_of_the_services_own_fields(world: World) -> None:
    await world.add_connection("o", "oidc")
    evil = {
        "sub": "1",
        "app_metadata": {"admin": True},
        "user_metadata": {"x": 1},
        "blocked": True,
        "created_at": "2001-01-01",
        "identities": [],
        "user_id": "auth0|other",
        "logins_count": 99,
        "version": 99,
        "access_token": "s3cret",
    }
    user = (await record_login(world, "o", evil))["user"]
    assert (user["userId"], user["version"], user["loginsCount"], user["userMetadata"]) == ("oidc|o|1", 1, 1, {})
    assert user["identities"][0]["profileData"].keys() == evil.keys() - {
        "app_metadata",
        "user_metadata",
        "access_token",
    }
    stored = await world.database["users"].find_one({"tenant": world.tenant})
    assert "app_metadata" not in stored
    assert "blocked" not in stored or not stored["blocked"]


async def test_no_caller_sees_secrets_of_a_provider_profile(world: World) -> None:
    await world.add_connection("o", "oidc")
    secrets = {"apiKey": "hunter2", "otp_seed": "hunter2", "settings": [{"name": "password", "value": "hunter2"}]}
    user = (await record_login(world, "o", {"sub": "1", "passport_number": "C01X", **secrets}))["user"]
    assert user["identities"][0]["profileData"] == {"sub": "1", "passport_number": "C01X", "settings": []}
    both = """query($id: String!) { user(by: {userId: $id}) { raw } }"""
    export = "mutation($id: String!) { exportPersonalData(input: {userId: $id}) { data } }"
    for query in (both, export):
        told = str(await world.ask(query, world.application_token(ALL_SCOPES), id=user["userId"]))
        assert "C01X" in told
        assert "hunter2" not in told


# ---------------------------------------------------------------- input


async def test_invalid_login_is_refused_and_changes_nothing(world: World) -> None:
    await world.add_connection("g", "google-oauth2")
    ahead = format_time(now() + timedelta(minutes=6))
    for connection, profile, more, expected in (
        ("none", {"sub": "1"}, {}, ("NOT_FOUND", ["connection"])),
        ("g", {}, {}, ("INVALID_INPUT", ["profile"])),
        ("g", {"name": "Jane", "email": "jane@example.com"}, {}, ("INVALID_INPUT", ["profile"])),
        ("g", [{"sub": "1"}], {}, ("INVALID_INPUT", ["profile"])),
        ("g", "1", {}, ("INVALID_INPUT", ["profile"])),
        ("g", {"sub": "1", "deep": json.loads("[" * 65 + "]" * 65)}, {}, ("INVALID_INPUT", ["profile"])),
        ("g", {"sub": "1"}, {"date": ahead}, ("INVALID_INPUT", ["date"])),
        ("g", {"sub": "1"}, {"ip": "1.2.3"}, ("INVALID_INPUT", ["ip"])),
        ("g", {"sub": "1"}, {"userAgent": "x" * 513}, ("INVALID_INPUT", ["userAgent"])),
        ("g", {"sub": "1"}, {"idempotencyKey": ""}, ("INVALID_INPUT", ["idempotencyKey"])),
        ("g", {"sub": "1"}, {"device": {"deviceId": ""}}, ("INVALID_INPUT", ["device"])),
    ):
        assert refusal(await try_login(world, connection, profile, **more)) == expected, (profile, more)
    body = {
        "query": RECORD_LOGIN,
        "variables": {"input": {"connection": "g", "profile": {"sub": "1", "name": "\ud800"}}},
    }
    headers = {"authorization": f"Bearer {world.application_token(ALL_SCOPES)}", "content-type": "application/json"}
    answer = await world.client.post("/graphql", content=json.dumps(body), headers=headers)
    assert refusal(answer.json()["data"]["recordLogin"]) == ("INVALID_INPUT", ["profile"])
    assert (await count(world, "users"), await count(world, "log_events")) == (0, 0)


async def test_older_login_changes_counters_only(world: World) -> None:
    await world.add_connection("g", "google-oauth2")
    newest = (await record_login(world, "g", {"sub": "1", "name": "New"}, ip="203.0.113.1"))["user"]
    old = format_time(now() - timedelta(hours=1))
    user = (await record_login(world, "g", {"sub": "1", "name": "Old"}, ip="203.0.113.2", date=old))["user"]
    assert (user["name"], user["lastIp"], user["lastLogin"]) == ("New", "203.0.113.1", newest["lastLogin"])
    assert (user["loginsCount"], user["version"]) == (2, 1)


async def test_too_large_provider_profile_becomes_a_marker_and_event(world: World) -> None:
    await world.add_connection("g", "google-oauth2")
    recorded = await record_login(world, "g", {"sub": "1", "name": "Jane", "bio": "x" * MAX_PROFILE_BYTES})
    [identity] = recorded["user"]["identities"]
    assert identity["profileData"]["too_large"] is True
    assert "not kept" in recorded["logEvent"]["details"]["profileData"]
    assert recorded["user"]["name"] == "Jane"


@pytest.mark.parametrize("letter", ["x", "é", "字"])
async def test_profile_data_and_event_agree_at_the_limit(world: World, letter: str) -> None:
    """The limit counts the bytes of compact JSON in UTF-8, without escapes and spaces."""
    await world.add_connection("g", "google-oauth2")
    room = MAX_PROFILE_BYTES - len('{"sub":"1","bio":""}')
    bio = letter * (room // len(letter.encode()))
    bio += "x" * (room - len(bio.encode()))
    for profile, is_kept in (({"sub": "1", "bio": bio}, True), ({"sub": "1", "bio": bio + "x"}, False)):
        recorded = await record_login(world, "g", profile)
        [identity] = recorded["user"]["identities"]
        assert (identity["profileData"] == profile) is is_kept
        assert (recorded["logEvent"]["details"] is None) is is_kept
    assert identity["profileData"] == {"too_large": True, "bytes": MAX_PROFILE_BYTES + 1}
    assert str(MAX_PROFILE_BYTES + 1) in recorded["logEvent"]["details"]["profileData"]


async def test_provider_tokens_are_stored_encrypted(world: World) -> None:
    await world.add_connection("g", "google-oauth2")
    recorded = await record_login(world, "g", {"sub": "1"}, accessToken="at-s3cret", refreshToken="rt-s3cret")
    [identity] = recorded["user"]["identities"]
    assert (identity["accessToken"], identity["refreshToken"]) == ("at-s3cret", "rt-s3cret")
    stored = await world.database["users"].find_one({"tenant": world.tenant})
    assert "s3cret" not in str(stored)
    # A login without tokens does not change the stored tokens.
    assert (await record_login(world, "g", {"sub": "1"}))["user"]["identities"][0]["accessToken"] == "at-s3cret"
    events = await world.database["log_events"].find({"tenant": world.tenant}).to_list(None)
    assert "s3cret" not in str(events)


# ---------------------------------------------------------------- idempotency, many at once


async def test_idempotency_key_returns_first_answer_and_records_once(world: World) -> None:
    await world.add_connection("g", "google-oauth2")
    token = world.application_token(ALL_SCOPES)
    input = {"connection": "g", "profile": {"sub": "1", "name": "Jane"}, "idempotencyKey": "k"}
    answers = await asyncio.gather(*(world.ask(RECORD_LOGIN, token, input=input) for _ in range(8)))
    assert all(each == answers[0] for each in answers)
    assert answers[0]["recordLogin"]["created"] is True
    assert answers[0]["recordLogin"]["user"]["loginsCount"] == 1
    assert (await count(world, "users"), await count(world, "log_events")) == (1, 1)
    changed = {**input, "profile": {"sub": "1", "name": "Other"}}
    assert refusal((await world.ask(RECORD_LOGIN, token, input=changed))["recordLogin"]) == (
        "INVALID_INPUT",
        ["idempotencyKey"],
    )
    other = await world.ask(RECORD_LOGIN, token, input={**input, "idempotencyKey": "k2"})
    assert other["recordLogin"]["user"]["loginsCount"] == 2


async def test_login_returns_the_profile_that_it_wrote(world: World, commands: list[str]) -> None:
    """The payload is made of the written profile: the service reads nothing after the commit."""
    await world.add_connection("g", "google-oauth2")
    fields = "id version name email raw lastLogin loginsCount identities { connection profileData accessToken }"
    query = f"mutation($input: RecordLoginInput!) {{ recordLogin(input: $input) {{ user {{ {fields} }} }} }}"
    token, profile = world.application_token(ALL_SCOPES), {"sub": "1", "name": "Jane", "email": "jane@example.com"}
    for name in ("Jane", "Jane Doe"):
        input = {"connection": "g", "profile": {**profile, "name": name}, "accessToken": "secret"}
        commands.clear()
        written = (await world.ask(query, token, input=input))["recordLogin"]["user"]
        assert commands[-1] == "commitTransaction"
        read = await world.ask(f'{{ user(by: {{userId: "google-oauth2|1"}}) {{ {fields} }} }}', token)
        assert (written["name"], written) == (name, read["user"])


async def test_concurrent_first_logins_create_one_user(world: World) -> None:
    await world.add_connection("g", "google-oauth2")
    recorded = await asyncio.gather(*(record_login(world, "g", {"sub": "1", "name": "Jane"}) for _ in range(10)))
    assert sum(each["created"] for each in recorded) == 1
    assert len({each["user"]["id"] for each in recorded}) == 1
    stored = await world.database["users"].find_one({"tenant": world.tenant})
    assert stored["logins_count"] == 10


async def test_concurrent_logins_leave_exact_counters_no_duplicates(world: World) -> None:
    for name, strategy in (("g", "google-oauth2"), ("o", "oidc")):
        await world.add_connection(name, strategy)
    query = "mutation($input: RecordLoginInput!) { recordLogin(input: $input) { errors { code } } }"
    token, turns = world.application_token(ALL_SCOPES), asyncio.Semaphore(8)

    async def one(number: int) -> None:
        user = number % 200
        profile = {"sub": str(user), "name": f"User {user}", "email": f"u{user}@example.com"}
        input = {"connection": "g" if user % 2 else "o", "profile": profile, "device": {"deviceId": str(number % 3)}}
        async with turns:
            assert (await world.ask(query, token, input=input))["recordLogin"]["errors"] == []

    # The five logins of each user are next to each other, so that they run at the same time.
    order = sorted(range(1_000), key=lambda number: (number % 200 // 8, number))
    await asyncio.gather(*(one(number) for number in order))
    users = await world.database["users"].find({"tenant": world.tenant}).to_list(None)
    assert len(users) == 200
    assert {each["logins_count"] for each in users} == {5}
    assert {each["version"] for each in users} == {1}
    assert await count(world, "log_events") == 1_000
    assert await count(world, "devices") == 200 * 3


# ---------------------------------------------------------------- failures and blocks


async def test_failed_login_is_an_event_and_changes_no_profile(world: World) -> None:
    await world.add_connection()
    john = await world.add_user("john")
    before = await world.stored(john)
    for identifier in ("JOHN@example.com", "john", "auth0|john"):
        told = await record_failed_login(
            world, connection=DATABASE, identifier=identifier, reason="WRONG_PASSWORD", ip="203.0.113.7"
        )
        assert (told["logEvent"]["type"], told["logEvent"]["code"]) == ("LOGIN_FAILED_WRONG_PASSWORD", "fp")
        assert told["logEvent"]["userId"] == "auth0|john"
    unknown = await record_failed_login(
        world, connection=DATABASE, identifier="nobody@example.com", reason="UNKNOWN_USER"
    )
    assert (unknown["logEvent"]["code"], unknown["logEvent"]["userId"]) == ("fu", None)
    assert unknown["logEvent"]["details"] == {"identifier": "nobody@example.com"}
    assert (await record_failed_login(world, connection="none", identifier="x", reason="OTHER"))["errors"] == [
        {"code": "NOT_FOUND", "path": ["connection"]}
    ]
    assert await world.stored(john) == before


async def test_ten_failures_block_the_ip_address_for_that_account(world: World) -> None:
    await world.add_connection()
    john = await world.add_user("john")
    profile = {"user_id": "john"}
    for _ in range(MAX_FAILURES - 1):
        await record_failed_login(
            world, connection=DATABASE, identifier="john", reason="WRONG_PASSWORD", ip="203.0.113.7"
        )
    assert (await record_login(world, DATABASE, profile, ip="203.0.113.7"))["user"]
    # A successful login resets the count.
    for _ in range(MAX_FAILURES):
        await record_failed_login(
            world, connection=DATABASE, identifier="john", reason="WRONG_PASSWORD", ip="203.0.113.7"
        )
    assert refusal(await try_login(world, DATABASE, profile, ip="203.0.113.7"))[0] == "USER_BLOCKED"
    assert (await record_login(world, DATABASE, profile, ip="203.0.113.8"))["user"]
    types = [each["type"] for each in await world.events(john)]
    assert types.count("USER_ADDRESS_BLOCKED") == 1
    assert types.count("LOGIN_FAILED_USER_BLOCKED") == 1
    assert "login_failures" not in str((await world.stored(john)).keys())


async def test_all_spellings_of_an_identifier_share_one_failure_count(world: World) -> None:
    await world.add_connection()
    await world.add_user("john", username="johnny")
    spellings = itertools.product(
        ("john@example.com", "Johnny", "john", "auth0|john", "JOHN@example.com"), ("2001:db8::1", "2001:0DB8:0::0001")
    )
    for identifier, ip in spellings:
        await record_failed_login(world, connection=DATABASE, identifier=identifier, reason="WRONG_PASSWORD", ip=ip)
    told = await try_login(world, DATABASE, {"user_id": "john"}, ip="2001:DB8::1")
    assert refusal(told)[0] == "USER_BLOCKED"


async def act(world: World, name: str, **input: Any) -> Any:
    kind = {"blockUser": "BlockUserInput", "unblockUser": "UserActionInput"}[name]
    query = f"""mutation($input: {kind}!) {{ {name}(input: $input) {{
      user {{ version blocked devices {{ nodes {{ deviceId }} }} }} errors {{ code path }} }} }}"""
    return (await world.ask(query, world.application_token(ALL_SCOPES), input=input))[name]


async def test_unblock_user_also_unblocks_ip_addresses(world: World) -> None:
    await world.add_connection()
    john = await world.add_user("john")
    for _ in range(MAX_FAILURES):
        await record_failed_login(
            world, connection=DATABASE, identifier="john", reason="WRONG_PASSWORD", ip="203.0.113.7"
        )
    assert (await act(world, "unblockUser", userId=john.user_id, reason="it was him"))["errors"] == []
    assert (await record_login(world, DATABASE, {"user_id": "john"}, ip="203.0.113.7"))["user"]["version"] == 1
    [event] = [each for each in await world.events(john) if each["type"] == "USER_UNBLOCKED"]
    assert event["reason"] == "it was him"
    # A user who is not blocked is not changed.
    assert (await act(world, "unblockUser", userId=john.user_id))["user"]["version"] == 1
    assert len([each for each in await world.events(john) if each["type"] == "USER_UNBLOCKED"]) == 1


@pytest.mark.parametrize("revoke", [True, False])
async def test_block_revokes_devices_unless_asked_not_to(world: World, revoke: bool) -> None:
    await world.add_connection("g", "google-oauth2")
    await record_login(world, "g", {"sub": "1"}, device={"deviceId": "d", "token": "t"})
    own = world.user_token("google-oauth2|1")
    blocked = await act(world, "blockUser", userId="google-oauth2|1", revokeDevices=revoke, ifVersion=1, reason="spam")
    assert (blocked["user"]["blocked"], blocked["user"]["version"]) == (True, 2)
    assert len(blocked["user"]["devices"]["nodes"]) == (0 if revoke else 1)
    assert codes(await world.post("{ viewer { id } }", own)) == ["USER_BLOCKED"]
    event = await world.database["log_events"].find_one({"tenant": world.tenant, "type": "USER_BLOCKED"})
    assert (event["reason"], event["changes"]) == ("spam", [{"path": "blocked", "before": False, "after": True}])
    assert (await act(world, "unblockUser", userId="google-oauth2|1"))["user"]["blocked"] is False
    assert codes(await world.post("{ viewer { id } }", own)) == []
    assert (await act(world, "blockUser", userId="none"))["errors"] == [{"code": "NOT_FOUND", "path": ["userId"]}]


async def test_login_of_a_blocked_user_is_recorded_and_refused(world: World) -> None:
    await world.add_connection("g", "google-oauth2")
    jane = await world.add_user("1", "google-oauth2", "g", blocked=True)
    assert refusal(await try_login(world, "g", {"sub": "1", "name": "New"}, idempotencyKey="k"))[0] == "USER_BLOCKED"
    assert [each["type"] for each in await world.events(jane)] == ["LOGIN_FAILED_USER_BLOCKED"]
    stored = await world.stored(jane)
    assert (stored["name"], stored.get("logins_count", 0)) == ("1", 0)


# ---------------------------------------------------------------- devices

STANDS = "query($hash: String!) { deviceCredential(tokenHash: $hash) { deviceId userId type } }"
UNLINK = """mutation($user: String, $device: String!) { unlinkDevice(input: {userId: $user, deviceId: $device, reason: "lost"}) {
  user { version devices { nodes { deviceId } } } errors { code path } } }"""


async def test_device_is_recorded_listed_and_revoked(world: World) -> None:
    await world.add_connection("g", "google-oauth2")

    digest = hash_token("credential")
    device = {"deviceId": "d1", "token": "credential", "type": "ROTATING_REFRESH_TOKEN"}
    recorded = await record_login(
        world, "g", {"sub": "1"}, device=device, clientId="app", clientName="App", userAgent=IPHONE
    )
    [linked] = recorded["user"]["devices"]["nodes"]
    assert linked["name"] == "Mobile Safari on iOS"
    assert (linked["type"], linked["clientName"]) == ("ROTATING_REFRESH_TOKEN", "App")
    assert recorded["logEvent"]["isMobile"] is True
    tool = world.application_token(ALL_SCOPES)
    stands = (await world.ask(STANDS, tool, hash=digest))["deviceCredential"]
    assert stands == {"deviceId": "d1", "userId": "google-oauth2|1", "type": "ROTATING_REFRESH_TOKEN"}
    stored = await world.database["devices"].find_one({"tenant": world.tenant})
    assert "credential" not in str({**stored, "token_hash": ""})
    own = world.user_token("google-oauth2|1")
    assert (await world.ask(UNLINK, own, device="none"))["unlinkDevice"]["errors"] == [
        {"code": "NOT_FOUND", "path": ["deviceId"]}
    ]
    unlinked = (await world.ask(UNLINK, own, device="d1"))["unlinkDevice"]
    assert unlinked == {"user": {"version": 1, "devices": {"nodes": []}}, "errors": []}
    assert (await world.ask(STANDS, tool, hash=digest))["deviceCredential"] is None
    event = await world.database["log_events"].find_one({"tenant": world.tenant, "type": "DEVICE_UNLINKED"})
    assert (event["details"], event["reason"]) == ({"deviceId": "d1"}, "lost")


async def test_login_without_device_name_keeps_the_given_one(world: World) -> None:
    await world.add_connection("g", "google-oauth2")

    async def name(user_agent: str, **device: Any) -> str:
        recorded = await record_login(
            world, "g", {"sub": "1"}, userAgent=user_agent, device={"deviceId": "d", **device}
        )
        return str(recorded["user"]["devices"]["nodes"][0]["name"])

    assert await name(FIREFOX) == "Firefox on Linux"
    assert await name(IPHONE) == "Mobile Safari on iOS"
    assert await name(IPHONE, name="Ann's phone") == "Ann's phone"
    assert await name(FIREFOX) == "Ann's phone"


async def test_credential_of_blocked_user_or_expired_is_invalid(world: World) -> None:

    await world.add_connection("g", "google-oauth2")
    past, later = format_time(now() - timedelta(seconds=1)), format_time(now() + timedelta(days=1))
    for id, expires in (("past", past), ("later", later)):
        await record_login(world, "g", {"sub": "1"}, device={"deviceId": id, "token": id, "expiresAt": expires})
    tool = world.application_token(ALL_SCOPES)
    assert (await world.ask(STANDS, tool, hash=hash_token("past")))["deviceCredential"] is None
    assert (await world.ask(STANDS, tool, hash=hash_token("later")))["deviceCredential"]
    await world.database["users"].update_one({"tenant": world.tenant}, {"$set": {"blocked": True}})
    assert (await world.ask(STANDS, tool, hash=hash_token("later")))["deviceCredential"] is None
    for bad in ("", "x" * 64, "A" * 64, "later"):
        assert codes(await world.post(STANDS, tool, hash=bad)) == ["BAD_USER_INPUT"]


async def test_repeated_device_is_updated_and_oldest_is_deleted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.store.devices.MAX_DEVICES", 3)
    await world.add_connection("g", "google-oauth2")
    start = now() - timedelta(hours=1)
    for number, id in enumerate(["a", "b", "a", "c", "d", "e"]):
        date = format_time(start + timedelta(minutes=number))
        recorded = await record_login(world, "g", {"sub": "1"}, device={"deviceId": id}, clientId="app", date=date)
    assert [each["deviceId"] for each in recorded["user"]["devices"]["nodes"]] == ["e", "d", "c"]
    other = await record_login(world, "g", {"sub": "1"}, device={"deviceId": "z"}, clientId="another")
    assert other["user"]["devices"]["totalCount"] == {"value": 4}


# ---------------------------------------------------------------- connections and rules

SAVE = """mutation($input: SaveAuthConnectionInput!) { saveAuthConnection(input: $input) {
  authConnection { name strategy kind isSocial importMode syncRootAttributes } errors { code path } } }"""


async def save(world: World, **input: Any) -> Any:
    return (await world.ask(SAVE, world.application_token(ALL_SCOPES), input=input))["saveAuthConnection"]


async def test_connection_is_created_and_its_settings_change(world: World) -> None:
    made = await save(world, name="corp", strategy="samlp")
    assert made["authConnection"] == {
        "name": "corp",
        "strategy": "samlp",
        "kind": "ENTERPRISE",
        "isSocial": False,
        "importMode": False,
        "syncRootAttributes": "ON_EACH_LOGIN",
    }
    changed = await save(world, name="corp", strategy="samlp", syncRootAttributes="NEVER")
    assert changed["authConnection"]["syncRootAttributes"] == "NEVER"
    # A login uses the stored settings of the connection, not a cached copy.
    assert refusal(await try_login(world, "corp", {"nameID": "1"})) == ("NOT_FOUND", ["profile"])
    assert (await save(world, name="corp", strategy="oidc"))["errors"] == [
        {"code": "INVALID_INPUT", "path": ["strategy"]}
    ]
    for name in ("", "-a", "a b", "a:b", "a|b", "é", "a" * 129):
        assert (await save(world, name=name, strategy="oidc"))["errors"] == [
            {"code": "INVALID_INPUT", "path": ["name"]}
        ]
    assert await count(world, "connections") == 1


RULE = "mutation($name: String!, $on: Boolean!) { saveLoginRule(input: {name: $name, enabled: $on}) { loginRule { name title enabled } errors { code path } } }"


async def rule(world: World, name: str, on: bool = True) -> Any:
    return (await world.ask(RULE, world.application_token(ALL_SCOPES), name=name, on=on))["saveLoginRule"]


async def test_login_rule_moves_user_metadata_to_root_attributes(world: World) -> None:
    await world.add_connection()
    name = MOVE_USER_METADATA.name
    listed = await world.ask("{ loginRules { name title enabled } }", world.application_token(ALL_SCOPES))
    assert listed["loginRules"] == [
        {"name": name, "title": "Move user_metadata attributes to root attributes", "enabled": False}
    ]
    metadata = {"name": "From Metadata", "given_name": "Given", "nickname": 7, "picture": "no url", "color": "blue"}
    john = await world.add_user("john", user_metadata=metadata)
    assert (await record_login(world, DATABASE, {"user_id": "john"}))["user"]["userMetadata"] == metadata
    assert (await rule(world, name))["loginRule"]["enabled"] is True
    recorded = await record_login(world, DATABASE, {"user_id": "john"})
    user = recorded["user"]
    assert root(user, "NAME") == ("From Metadata", "RULE")
    assert root(user, "GIVEN_NAME") == ("Given", "RULE")
    # Values that are not valid root attributes stay in user_metadata, and so do other keys.
    assert user["userMetadata"] == {"nickname": 7, "picture": "no url", "color": "blue"}
    assert user["version"] == 2
    changes = {each["path"]: (each["before"], each["after"]) for each in recorded["logEvent"]["changes"]}
    assert changes["name"] == ("John", "From Metadata")
    assert changes["user_metadata.name"] == ("From Metadata", None)
    assert (await rule(world, name, False))["loginRule"]["enabled"] is False
    await world.database["users"].update_one({"_id": john.id}, {"$set": {"user_metadata.name": "Again"}})
    assert (await record_login(world, DATABASE, {"user_id": "john"}))["user"]["name"] == "From Metadata"
    assert (await rule(world, "none"))["errors"] == [{"code": "NOT_FOUND", "path": ["name"]}]


async def test_login_rule_sets_no_root_attribute_of_a_provider(world: World) -> None:
    await world.add_connection("g", "google-oauth2")
    await world.add_user("1", "google-oauth2", "g", user_metadata={"name": "Mine"})
    await rule(world, MOVE_USER_METADATA.name)
    user = (await record_login(world, "g", {"sub": "1", "name": "Theirs"}))["user"]
    assert (user["name"], user["userMetadata"]) == ("Theirs", {"name": "Mine"})
    await save(world, name="g", strategy="google-oauth2", syncRootAttributes="ON_FIRST_LOGIN")
    user = (await record_login(world, "g", {"sub": "1", "name": "Theirs"}))["user"]
    assert (user["name"], user["userMetadata"]) == ("Mine", {})


async def count_login_events(world: World) -> int:
    of_logins = {"tenant": world.tenant, "type": {"$regex": "^LOGIN_(SUCCEEDED|FAILED)"}}
    return int(await world.database["log_events"].count_documents(of_logins))


async def test_installed_login_rule_that_raises_fails_login_by_name(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        message = "s3cret inside"
        raise RuntimeError(message)

    rules = [
        LoginRule("counts", "Counts", lambda user, login: {"app_metadata": {"seen": user.logins_count}}),
        LoginRule("broken", "Broken", broken),
        LoginRule("greedy", "Greedy", lambda user, login: {"blocked": True}),
        LoginRule("wrong", "Wrong", lambda user, login: {"user_metadata": {"$a": 1}}),
        LoginRule("large", "Large", lambda user, login: {"app_metadata": {"x": "y" * 70_000}}),
    ]
    monkeypatch.setattr("app.composition.services.find_rules", lambda: rules)

    async with service_client(world) as client:
        monkeypatch.setattr(world, "client", client)
        await world.add_connection("g", "google-oauth2")
        await rule(world, "counts")
        assert (await record_login(world, "g", {"sub": "1"}))["created"]
        stored = await world.database["users"].find_one({"tenant": world.tenant})
        assert stored["app_metadata"] == {"seen": 1}
        events = await count_login_events(world)
        for name in ("broken", "greedy", "wrong", "large"):
            await rule(world, name)
            recorded = await try_login(world, "g", {"sub": "1"})
            assert refusal(recorded)[0] == "LOGIN_RULE_FAILED"
            assert name in recorded["errors"][0]["message"]
            assert "s3cret" not in str(recorded)
            await rule(world, name, False)
        assert await world.database["users"].find_one({"tenant": world.tenant}) == stored
        assert await count_login_events(world) == events


async def test_only_the_login_service_can_record_logins(world: World) -> None:
    await world.add_connection("g", "google-oauth2")
    john = await world.add_user("john")
    input = {"connection": "g", "profile": {"sub": "1"}}
    for token in (world.user_token(john), world.application_token(["update:users"])):
        answer = await world.post(RECORD_LOGIN, token, input=input)
        assert codes(answer) == ["FORBIDDEN"]
        assert answer.json()["errors"][0]["extensions"]["scopes"] == [["create:logins"]]
    # With this scope alone, the payload contains `created` and the identifiers of the profile, and no other field.
    query = "mutation($input: RecordLoginInput!) { recordLogin(input: $input) { created user { userId version name } errors { code } } }"
    answer = await world.post(query, world.application_token(["create:logins"]), input=input)
    told = answer.json()["data"]["recordLogin"]
    assert told == {"created": True, "user": {"userId": "google-oauth2|1", "version": 1, "name": None}, "errors": []}
    assert codes(answer) == ["FORBIDDEN"]


async def test_locations_are_shown_with_a_configured_database(world: World, tmp_path: Path) -> None:
    path = write_database(tmp_path / "city.mmdb", {"203.0.113.0/24": LYON})
    await world.add_connection("g", "google-oauth2")
    query = """mutation($input: RecordLoginInput!) { recordLogin(input: $input) {
      user { devices { nodes { lastLocation { cityName latitude } } } } logEvent { location { countryCode timeZone } } } }"""
    input = {"connection": "g", "profile": {"sub": "1"}, "ip": "203.0.113.7", "device": {"deviceId": "d"}}
    async with service_client(world, geoip_database=path) as client:
        headers = {"authorization": f"Bearer {world.application_token(ALL_SCOPES)}"}
        answer = await client.post("/graphql", json={"query": query, "variables": {"input": input}}, headers=headers)
    recorded = answer.json()["data"]["recordLogin"]
    assert recorded["user"]["devices"]["nodes"] == [{"lastLocation": {"cityName": "Lyon", "latitude": 45.75}}]
    assert recorded["logEvent"] == {"location": {"countryCode": "FR", "timeZone": "Europe/Paris"}}
    without = (await world.ask(query, world.application_token(ALL_SCOPES), input=input))["recordLogin"]
    assert without["logEvent"] == {"location": None}
