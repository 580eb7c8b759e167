"""Creating, deleting and erasing users, and updating many users in one request."""

import asyncio
from typing import Any

import pytest

from app.domain.connections import SyncRootAttributes
from app.domain.logs import Actor, FieldChange, LogEventType
from tests.schema.operations.enrollments import RECORD_ENROLLMENT
from tests.schema.operations.grants import RECORD_GRANT
from tests.schema.operations.logins import record_failed_login, record_login
from tests.schema.operations.users import DELETE_USER, create_user, delete_user
from tests.world import ALL_SCOPES, DATABASE, World, codes

UPDATE = """mutation($updates: [UpdateUserInput!]!) { updateUsers(input: {updates: $updates}) {
  results { index user { version name userMetadata } errors { code path } } errors { code path } } }"""


# ---------------------------------------------------------------- create


async def test_create_user_sets_given_values_and_defaults(world: World) -> None:
    await world.add_connection()
    made = await create_user(
        world,
        email="Jane.Doe@Example.COM",
        username="Jane",
        phoneNumber="+1 425 883 1929",
        emailVerified=True,
        name="Jane",
        userMetadata={"a": 1},
        appMetadata={"plan": "pro"},
        reason="asked by phone",
    )
    assert made["errors"] == []
    user = made["user"]
    assert (user["email"], user["emailVerified"], user["username"]) == ("jane.doe@example.com", True, "jane")
    assert (user["phoneNumber"], user["phoneVerified"]) == ("+14258831929", False)
    assert (user["name"], user["nickname"], user["version"]) == ("Jane", "jane", 1)
    assert user["picture"] is None
    assert (user["userMetadata"], user["appMetadata"]) == ({"a": 1}, {"plan": "pro"})
    [identity] = user["identities"]
    assert user["userId"] == f"auth0|{identity['userId']}"
    sources = {each["name"]: each["source"] for each in user["rootAttributes"]}
    assert (sources["NAME"], sources["PICTURE"]) == ("ADMIN", "DEFAULT")
    [event] = user["logEvents"]["nodes"]
    assert (event["type"], event["reason"], event["connection"]) == ("USER_CREATED", "asked by phone", DATABASE)
    assert (event["actor"], event["userVersion"]) == ({"id": "support@clients"}, 1)
    assert {"path": "app_metadata.plan", "after": "pro"} in event["changes"]
    # A login finds the new user.
    assert (await record_login(world, DATABASE, {"email": "jane.doe@example.com"}))["user"]["userId"] == user["userId"]


@pytest.mark.parametrize(
    ("strategy", "input", "user_id"),
    [
        ("email", {"email": "a@example.com"}, "email|"),
        ("sms", {"phoneNumber": "+14258831929"}, "sms|"),
        ("custom", {"username": "a"}, "custom|"),
    ],
)
async def test_passwordless_and_custom_users_are_created(world: World, strategy: str, input: Any, user_id: str) -> None:
    await world.add_connection("c", strategy)
    made = await create_user(world, connection="c", **input)
    assert made["errors"] == []
    assert made["user"]["userId"].startswith(user_id)


async def test_invalid_user_is_refused_and_not_created(world: World) -> None:
    await world.add_connection()
    for name, strategy in (("e", "email"), ("s", "sms"), ("g", "google-oauth2"), ("o", "oidc")):
        await world.add_connection(name, strategy, SyncRootAttributes.NEVER)
    for input, expected in (
        ({"connection": "none", "email": "a@example.com"}, ("NOT_FOUND", ["connection"])),
        ({"connection": "g", "email": "a@example.com"}, ("NOT_EDITABLE", ["connection"])),
        ({"connection": "o", "email": "a@example.com"}, ("NOT_EDITABLE", ["connection"])),
        ({}, ("INVALID_INPUT", ["email"])),
        ({"phoneNumber": "+14258831929"}, ("INVALID_INPUT", ["email"])),
        ({"email": "no address"}, ("INVALID_INPUT", ["email"])),
        ({"email": "a@b@c.example"}, ("INVALID_INPUT", ["email"])),
        ({"email": "a" * 65 + "@example.com"}, ("INVALID_INPUT", ["email"])),
        ({"username": ""}, ("INVALID_INPUT", ["username"])),
        ({"username": "a@example.com"}, ("INVALID_INPUT", ["username"])),
        ({"username": "josé"}, ("INVALID_INPUT", ["username"])),
        ({"username": "a" * 129}, ("INVALID_INPUT", ["username"])),
        ({"email": "a@example.com", "phoneNumber": "0123"}, ("INVALID_INPUT", ["phoneNumber"])),
        ({"connection": "e", "phoneNumber": "+14258831929"}, ("INVALID_INPUT", ["email"])),
        ({"connection": "e", "email": "a@example.com", "username": "a"}, ("INVALID_INPUT", ["username"])),
        ({"connection": "s", "email": "a@example.com"}, ("INVALID_INPUT", ["phoneNumber"])),
        ({"email": "a@example.com", "name": ""}, ("INVALID_INPUT", ["name"])),
        ({"email": "a@example.com", "picture": "http://a/b"}, ("INVALID_INPUT", ["picture"])),
        ({"email": "a@example.com", "userMetadata": {"a.b": 1}}, ("INVALID_INPUT", ["userMetadata", "a.b"])),
        ({"email": "a@example.com", "appMetadata": {"blocked": 1}}, ("FORBIDDEN_FIELD", ["appMetadata", "blocked"])),
        ({"email": "a@example.com", "userMetadata": {"a": "x" * 70_000}}, ("TOO_LARGE", ["userMetadata"])),
        ({"email": "a@example.com", "reason": "x" * 501}, ("INVALID_INPUT", ["reason"])),
    ):
        made = await create_user(world, **input)
        assert made["user"] is None
        [error] = made["errors"]
        assert (error["code"], error["path"]) == expected, input
    assert await world.database["users"].count_documents({"tenant": world.tenant}) == 0
    assert await world.database["log_events"].count_documents({"tenant": world.tenant}) == 0


async def test_identifiers_are_unique_in_concurrent_requests(world: World) -> None:
    await world.add_connection()
    await world.add_connection("other", "auth0")
    made = await asyncio.gather(
        *(create_user(world, email=f"{'Jane' if n % 2 else 'jane'}@example.com") for n in range(6))
    )
    assert sorted(each["errors"][0]["code"] if each["errors"] else "" for each in made) == ["", *["ALREADY_EXISTS"] * 5]
    assert (await create_user(world, connection="other", email="jane@example.com"))["errors"] == []
    await create_user(world, username="jim")
    [error] = (await create_user(world, username="JIM"))["errors"]
    assert (error["code"], error["path"]) == ("ALREADY_EXISTS", ["username"])


async def test_app_metadata_of_a_new_user_needs_its_own_scope(world: World) -> None:
    await world.add_connection()
    token = world.application_token(["create:users", "read:users"])
    input = {"connection": DATABASE, "email": "a@example.com", "appMetadata": {"a": 1}}
    query = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { email } errors { code } } }"
    assert codes(await world.post(query, token, input=input)) == ["FORBIDDEN"]
    assert await world.database["users"].count_documents({"tenant": world.tenant}) == 0
    made = await world.ask(query, token, input={**input, "appMetadata": None})
    assert made["createUser"]["user"] == {"email": "a@example.com"}


# ---------------------------------------------------------------- delete, erase


async def test_delete_user_removes_devices_and_accounts_not_history(world: World) -> None:
    await world.add_connection()
    await world.add_connection("g", "google-oauth2")
    await world.add_user("john")
    jane = await world.add_user("jane")
    await record_login(world, DATABASE, {"user_id": "john"}, device={"deviceId": "d"}, idempotencyKey="k")
    await record_login(world, "g", {"sub": "1"}, device={"deviceId": "e"})
    await record_failed_login(world, connection=DATABASE, identifier="john", reason="WRONG_PASSWORD", ip="203.0.113.7")
    link = 'mutation { linkIdentity(input: {userId: "auth0|john", secondary: {userId: "google-oauth2|1"}}) { errors { code } } }'
    assert (await world.ask(link, world.application_token(ALL_SCOPES)))["linkIdentity"]["errors"] == []
    conflict = [{"code": "VERSION_CONFLICT", "path": ["ifVersion"]}]
    assert await delete_user(world, "auth0|john", ifVersion=9) == {"deletedUserId": None, "errors": conflict}
    assert await delete_user(world, "auth0|john", reason="asked to") == {"deletedUserId": "auth0|john", "errors": []}
    left = [each["user_id"] async for each in world.database["users"].find({"tenant": world.tenant})]
    assert left == [jane.user_id]
    for name in ("devices", "login_failures", "login_keys"):
        assert await world.database[name].count_documents({"tenant": world.tenant}) == 0, name
    events = await world.database["log_events"].find({"tenant": world.tenant}).sort("_id").to_list(None)
    assert (events[-1]["type"], events[-1]["reason"]) == ("USER_DELETED", "asked to")
    assert {each["user_id"] for each in events} == {"auth0|john", "google-oauth2|1"}
    assert (await delete_user(world, "auth0|john"))["errors"] == [{"code": "NOT_FOUND", "path": ["userId"]}]
    # A new user with the same userId does not get the history of the deleted user.
    again = await record_login(world, DATABASE, {"user_id": "john", "email": "john@example.com"})
    assert again["created"]
    query = '{ user(by: {userId: "auth0|john"}) { logEvents { nodes { type } } } }'
    found = await world.ask(query, world.application_token(ALL_SCOPES))
    assert found["user"]["logEvents"]["nodes"] == [{"type": "LOGIN_SUCCEEDED"}]


async def test_erased_person_is_in_no_document_and_no_event(world: World) -> None:
    await world.add_connection()
    await world.add_connection("g", "google-oauth2")
    m = "m4rk3r"
    made = await create_user(
        world,
        email=f"{m}@example.com",
        username=m,
        name=m,
        nickname=m,
        picture=f"https://{m}/",
        userMetadata={m: m},
        appMetadata={m: m},
        reason=m,
        password="correct horse battery",
        sendVerificationEmail=True,
    )
    user_id = made["user"]["userId"]
    john = await world.database["users"].find_one({"tenant": world.tenant, "user_id": user_id})
    other = await world.add_user("jane")
    await record_login(
        world,
        DATABASE,
        {"email": f"{m}@example.com", "x": m},
        userAgent=m,
        clientName="App",
        device={"deviceId": m, "name": m},
    )
    await record_login(world, "g", {"sub": m, "name": m, "email": f"{m}@gmail.com"})
    await record_failed_login(
        world, connection=DATABASE, identifier=m, reason="WRONG_PASSWORD", ip="203.0.113.7", userAgent=m
    )
    link = """mutation($id: String!) { linkIdentity(input: {userId: $id, secondary: {userId: "google-oauth2|m4rk3r"}, reason: "m4rk3r"}) {
      errors { code } } }"""
    assert (await world.ask(link, world.application_token(ALL_SCOPES), id=user_id))["linkIdentity"]["errors"] == []
    asked = (
        'mutation($id: String!) { changeEmail(input: {userId: $id, email: "m4rk3r@new.example"}) { errors { code } } }'
    )
    assert (await world.ask(asked, world.application_token(ALL_SCOPES), id=user_id))["changeEmail"]["errors"] == []
    given = {"userId": user_id, "clientId": m, "clientName": m, "audience": m, "scopes": [m]}
    assert (await world.ask(RECORD_GRANT, world.application_token(ALL_SCOPES), input=given))["recordGrant"][
        "errors"
    ] == []
    factor = {"userId": user_id, "enrollmentId": m, "type": "totp", "name": m}
    assert (await world.ask(RECORD_ENROLLMENT, world.application_token(ALL_SCOPES), input=factor))[
        "recordMfaEnrollment"
    ]["errors"] == []
    for name in ("credentials", "grants", "mails", "mfa_enrollments", "tickets"):
        assert await world.database[name].count_documents({"tenant": world.tenant, "user": john["_id"]}), name
    change = FieldChange(f"user_metadata.{m}", m, m)
    person = Actor("USER", user_id, m)
    await world.database["log_events"].update_one({"user": john["_id"]}, {"$set": {"location": {"city_name": m}}})
    # An event that the deleted user caused for another user, and an event from before the account existed.
    acted = await world.add_event(
        other,
        LogEventType.USER_METADATA_UPDATED,
        actor=person,
        ip="203.0.113.9",
        user_agent=m,
        reason="theirs",
        changes=(change,),
    )
    await world.database["log_events"].update_one({"_id": acted}, {"$set": {"changes": [], "roots": []}})
    await world.add_event(None, LogEventType.LOGIN_FAILED_WRONG_IDENTIFIER, details={"identifier": m})
    for typed in (f"{m.upper()}@EXAMPLE.com", f"{m}@new.example", f"{m}@gmail.com"):
        await world.add_event(None, LogEventType.LOGIN_FAILED_WRONG_IDENTIFIER, details={"identifier": typed}, ip="::1")
    somebody = {"identifier": "somebody@example.com"}
    kept = await world.add_event(None, LogEventType.LOGIN_FAILED_WRONG_IDENTIFIER, details=somebody)
    before = await world.database["log_events"].count_documents({"tenant": world.tenant})
    assert await delete_user(world, user_id, erase=True, reason=m) == {"deletedUserId": user_id, "errors": []}
    for name in await world.database.database.list_collection_names():
        async for each in world.database[name].find({"tenant": world.tenant}):
            assert m not in str(each).lower(), (name, each)
            assert user_id not in str(each), (name, each)
            assert each.get("user") != john["_id"] or name == "log_events", (name, each)
    assert (await world.database["log_events"].find_one({"_id": kept}))["details"] == somebody
    # The events remain, without the personal data.
    assert await world.database["log_events"].count_documents({"tenant": world.tenant}) == before + 1
    stands = await world.database["log_events"].find_one({"_id": acted})
    assert (stands["actor"]["id"], stands["reason"], stands["user_id"]) == ("erased", "theirs", "auth0|jane")


async def test_user_deletes_themselves_after_a_recent_sign_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.add_connection()
    john = await world.add_user("john")
    token, input = world.user_token(john), {"userId": john.user_id}
    monkeypatch.setattr("app.services.writes.is_recent", lambda *_: False)
    assert codes(await world.post(DELETE_USER, token, input=input)) == ["INSUFFICIENT_USER_AUTHENTICATION"]
    assert await world.stored(john)
    monkeypatch.undo()
    assert (await world.ask(DELETE_USER, token, input=input))["deleteUser"] == {
        "deletedUserId": "auth0|john",
        "errors": [],
    }
    assert (await world.ask("{ viewer { id } }", token))["viewer"] is None


# ---------------------------------------------------------------- many at once


async def test_each_of_many_updates_has_its_own_result(world: World) -> None:
    await world.add_connection()
    for handle in ("john", "jane"):
        await world.add_user(handle)
    updates = [
        {"userId": "auth0|john", "update": {"userMetadata": {"a": 1}}, "reason": "first"},
        {"userId": "auth0|nobody", "update": {"userMetadata": {"a": 1}}},
        {"userId": "auth0|jane", "update": {"rootAttributes": {"name": "Jane D.", "nickname": None}}, "ifVersion": 1},
        {"userId": "auth0|jane", "update": {"userMetadata": {"a": 1}}, "ifVersion": 1},
        {"userId": "auth0|jane", "update": {"appMetadata": {"email": 1}}},
        {"userId": "auth0|john", "update": {"userMetadata": {"b": 2}}},
    ]
    told = (await world.ask(UPDATE, world.application_token(ALL_SCOPES), updates=updates))["updateUsers"]
    assert told["errors"] == []
    assert [each["index"] for each in told["results"]] == list(range(6))
    assert [[error["code"] for error in each["errors"]] for each in told["results"]] == [
        [],
        ["NOT_FOUND"],
        [],
        ["VERSION_CONFLICT"],
        ["FORBIDDEN_FIELD"],
        [],
    ]
    assert told["results"][2]["user"]["name"] == "Jane D."
    assert told["results"][3]["user"]["version"] == 2
    assert told["results"][5]["user"] == {"version": 3, "name": "John", "userMetadata": {"a": 1, "b": 2}}


async def test_each_of_many_updates_is_authorized_separately(world: World) -> None:
    await world.add_connection()
    await world.add_user("john")
    updates = [
        {"userId": "auth0|john", "update": {"userMetadata": {"a": 1}}},
        {"userId": "auth0|john", "update": {"appMetadata": {"a": 1}}},
    ]
    query = UPDATE.replace("user { version name userMetadata }", "user { version }")
    told = (await world.ask(query, world.application_token(["update:users"]), updates=updates))["updateUsers"][
        "results"
    ]
    assert [[error["code"] for error in each["errors"]] for each in told] == [[], ["FORBIDDEN"]]
    assert codes(await world.post(query, None, updates=updates)) == ["UNAUTHENTICATED"]
    refused = (await world.ask(query, world.application_token(ALL_SCOPES), updates=[]))["updateUsers"]
    assert refused == {"results": [], "errors": [{"code": "INVALID_INPUT", "path": ["updates"]}]}
    too_many = await world.post(query, world.application_token(ALL_SCOPES), updates=updates[:1] * 101)
    assert codes(too_many) == ["BAD_USER_INPUT"]
