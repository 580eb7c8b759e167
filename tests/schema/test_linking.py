"""Linking and unlinking through GraphQL: several accounts share one profile until they are unlinked."""

import time
from typing import Any

import pytest

from app.auth.development import mint
from app.domain.identities import MAX_IDENTITIES
from app.domain.ids import encode_id
from app.domain.users import Identity
from app.store.database import new_id
from tests.schema.operations.identities import LINK_IDENTITY, UNLINK_IDENTITY, TwoAccounts
from tests.schema.operations.logins import record_login
from tests.schema.operations.passwords import INVALID, PASSWORD, verify_password
from tests.schema.operations.users import create_user
from tests.world import ALL_SCOPES, DATABASE, World, codes


def names(user: Any) -> list[str]:
    return [each["name"] for each in user["roles"]]


async def test_link_moves_no_document_and_shows_both_accounts(accounts: TwoAccounts) -> None:
    before = await accounts.user("auth0|john")
    linked = await accounts.link(reason="same person")
    assert linked["errors"] == []
    user = linked["user"]
    assert (user["id"], user["userId"], user["name"], user["email"]) == tuple(
        before[each] for each in ("id", "userId", "name", "email")
    )
    assert user["version"] == before["version"] + 1
    assert [each["isPrimary"] for each in user["identities"]] == [True, False]
    assert user["identities"][1]["profileData"]["name"] == "Johnny"
    assert user["userMetadata"] == {"a": 1, "both": {"x": 1}}
    assert {each["deviceId"] for each in user["devices"]["nodes"]} == {"desktop", "phone"}
    events = user["logEvents"]["nodes"]
    assert {each["userId"] for each in events} == {"auth0|john", "google-oauth2|g1"}
    assert {"otherUserId": "google-oauth2|g1"} in [each["details"] for each in events]
    # No query finds the linked account as a profile of its own.
    assert await accounts.user("google-oauth2|g1") is None
    listed = await accounts.world.ask("{ users { nodes { userId } totalCount { value } } }", accounts.application)
    assert listed["users"] == {"nodes": [{"userId": "auth0|john"}], "totalCount": {"value": 1}}
    waiting = await accounts.world.database["users"].find_one(
        {"tenant": accounts.world.tenant, "user_id": "google-oauth2|g1"}
    )
    node = await accounts.world.ask(
        "query($id: ID!) { node(id: $id) { id } }", accounts.application, id=encode_id("User", waiting["_id"])
    )
    assert node == {"node": None}
    write = 'mutation { updateUserMetadata(input: {userId: "google-oauth2|g1", patch: {a: 1}}) { errors { code } } }'
    assert (await accounts.world.ask(write, accounts.application))["updateUserMetadata"]["errors"] == [
        {"code": "NOT_FOUND"}
    ]


async def test_lists_show_devices_and_history_of_linked_accounts(accounts: TwoAccounts) -> None:
    await accounts.link()
    await accounts.world.add_user("jane")
    query = "{ users { nodes { userId devices { nodes { deviceId } totalCount { value } } logEvents { totalCount { value } } } } }"
    found = {each["userId"]: each for each in (await accounts.world.ask(query, accounts.application))["users"]["nodes"]}
    assert {each["deviceId"] for each in found["auth0|john"]["devices"]["nodes"]} == {"desktop", "phone"}
    assert found["auth0|john"]["devices"]["totalCount"] == {"value": 2}
    assert found["auth0|john"]["logEvents"]["totalCount"] == {"value": 4}
    assert found["auth0|jane"]["devices"]["nodes"] == []


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("KEEP_PRIMARY", {"a": 1, "both": {"x": 1}}),
        ("MERGE", {"a": 1, "b": 2, "both": {"x": 1, "y": 2}}),
        ("PREFER_SECONDARY", {"a": 1, "b": 2, "both": {"x": 2, "y": 2}}),
    ],
)
async def test_metadata_argument_decides_how_metadata_is_merged(accounts: TwoAccounts, how: str, expected: Any) -> None:
    linked = await accounts.link(metadata=how)
    assert linked["user"]["userMetadata"] == expected


READING = ["read:users", "read:users_app_metadata", "read:roles", "read:logs", "read:device_credentials"]


@pytest.mark.parametrize(
    ("scopes", "app_metadata", "roles"),
    [
        ([], {"plan": "free"}, ["Customer"]),
        (["create:role_members"], {"plan": "free"}, ["Customer", "Editor"]),
        (["update:users_app_metadata"], {"plan": "free", "beta": True}, ["Customer"]),
        (["update:users_app_metadata", "delete:role_members"], {"plan": "free", "beta": True}, ["Customer"]),
    ],
    ids=["neither", "roles", "app_metadata", "not to assign"],
)
async def test_link_shares_access_that_the_caller_may_grant(
    accounts: TwoAccounts, scopes: list[str], app_metadata: Any, roles: list[str]
) -> None:
    before = await accounts.user("google-oauth2|g1")
    token = accounts.world.application_token(["update:users", *READING, *scopes])
    linked = await accounts.link(token, metadata="MERGE")
    assert (linked["user"]["appMetadata"], names(linked["user"])) == (app_metadata, roles)
    # Linking and granting permissions both need update:users.
    assert [each["name"] for each in linked["user"]["permissions"]] == ["p"]
    unlinked = await accounts.unlink(linked["user"]["identities"][1]["id"], token)
    assert (unlinked["user"]["appMetadata"], names(unlinked["user"])) == (app_metadata, roles)
    after = await accounts.user("google-oauth2|g1")
    assert (names(after), after["permissions"]) == (names(before), before["permissions"])
    # If the link shared app_metadata, the plan of the profile replaced the plan of the account.
    expected = {"beta": True} if "beta" in app_metadata else before["appMetadata"]
    assert after["appMetadata"] == expected


async def test_unlink_after_keep_primary_restores_the_account(accounts: TwoAccounts) -> None:
    before = await accounts.user("google-oauth2|g1")
    linked = await accounts.link(metadata="KEEP_PRIMARY")
    assert linked["user"]["appMetadata"] == {"plan": "free"}
    await accounts.unlink(linked["user"]["identities"][1]["id"])
    assert (await accounts.user("google-oauth2|g1"))["appMetadata"] == before["appMetadata"]


async def test_link_merges_app_metadata_and_roles_if_allowed(accounts: TwoAccounts) -> None:
    linked = await accounts.link(metadata="MERGE")
    assert linked["user"]["appMetadata"] == {"plan": "free", "beta": True}
    assert names(linked["user"]) == ["Customer", "Editor"]
    assert [each["name"] for each in linked["user"]["permissions"]] == ["p"]


async def test_history_shows_the_access_that_a_link_changes(accounts: TwoAccounts) -> None:
    users, tenant = accounts.world.database["users"], accounts.world.tenant
    linked = await accounts.link(metadata="MERGE")
    assert await changes_of(accounts, "auth0|john", "IDENTITY_LINKED") == {
        "user_metadata.b": (None, 2),
        "user_metadata.both.y": (None, 2),
        "app_metadata.beta": (None, True),
        "roles": (None, ["Editor"]),
        "permissions": (None, [{"name": "p", "api": "q"}]),
    }
    lost = {"role_ids": [], "permissions": [], "app_metadata": {}, "blocked": True}
    await users.update_one({"tenant": tenant, "user_id": "auth0|john"}, {"$set": lost})
    assert (await accounts.unlink(linked["user"]["identities"][1]["id"]))["errors"] == []
    assert await changes_of(accounts, "google-oauth2|g1", "IDENTITY_UNLINKED") == {
        "app_metadata.beta": (True, None),
        "app_metadata.plan": ("pro", None),
        "blocked": (False, True),
        "roles": (["Customer", "Editor"], None),
        "permissions": ([{"name": "p", "api": "q"}], None),
    }


async def changes_of(accounts: TwoAccounts, user_id: str, type_: str) -> dict[str, Any]:
    """Returns the values before and after each change, by path."""
    where = {"tenant": accounts.world.tenant, "user_id": user_id, "type": type_}
    [event] = await accounts.world.database["log_events"].find(where).to_list(None)
    return {each["path"]: (each.get("before"), each.get("after")) for each in event.get("changes", ())}


async def test_linked_accounts_login_and_token_use_the_primary(accounts: TwoAccounts) -> None:
    await accounts.link()
    recorded = await record_login(accounts.world, "g", {"sub": "g1", "name": "Renamed", "email": "new@gmail.com"})
    assert (recorded["user"]["userId"], recorded["user"]["name"]) == ("auth0|john", "John")
    assert recorded["user"]["identities"][1]["profileData"]["name"] == "Renamed"
    token = accounts.world.user_token("google-oauth2|g1")
    viewer = await accounts.world.ask(
        "{ viewer { userId devices { nodes { deviceId } } logEvents { nodes { type changes { path } } } } }", token
    )
    assert viewer["viewer"]["userId"] == "auth0|john"
    assert {each["deviceId"] for each in viewer["viewer"]["devices"]["nodes"]} == {"desktop", "phone"}
    # Events about the linked account belong to the user's own history.
    assert ["email", "email_verified", "name", "nickname"] in [
        [change["path"] for change in each["changes"] or []] for each in viewer["viewer"]["logEvents"]["nodes"]
    ]
    unlink = 'mutation { unlinkDevice(input: {deviceId: "phone"}) { user { devices { nodes { deviceId } } } errors { code } } }'
    left = (await accounts.world.ask(unlink, token))["unlinkDevice"]
    assert left == {"user": {"devices": {"nodes": [{"deviceId": "desktop"}]}}, "errors": []}


async def test_unlink_restores_the_second_account(accounts: TwoAccounts) -> None:
    before = await accounts.user("google-oauth2|g1")
    linked = await accounts.link(metadata="MERGE")
    await record_login(accounts.world, "g", {"sub": "g1", "name": "Later"})
    # After the link, app_metadata, permissions and roles of the primary profile change.
    await accounts.world.database["users"].update_one(
        {"tenant": accounts.world.tenant, "user_id": "auth0|john"},
        {"$set": {"app_metadata": {"plan": "free", "beta": False}, "permissions": []}, "$pop": {"role_ids": 1}},
    )
    unlinked = await accounts.unlink(linked["user"]["identities"][1]["id"], reason="a mistake")
    assert unlinked["errors"] == []
    assert [each["userId"] for each in unlinked["user"]["identities"]] == ["john"]
    assert unlinked["user"]["userMetadata"] == {"a": 1, "b": 2, "both": {"x": 1, "y": 2}}
    assert [each["deviceId"] for each in unlinked["user"]["devices"]["nodes"]] == ["desktop"]
    after = await accounts.user("google-oauth2|g1")
    assert (after["id"], after["name"], after["email"]) == (before["id"], "Johnny", "johnny@gmail.com")
    assert after["userMetadata"] == before["userMetadata"]
    assert after["identities"][0]["profileData"]["name"] == "Later"
    assert after["identities"][0]["isPrimary"]
    assert (names(after), after["permissions"], after["appMetadata"]) == (["Customer"], [], {})
    assert [each["deviceId"] for each in after["devices"]["nodes"]] == ["phone"]
    types = [each["type"] for each in after["logEvents"]["nodes"]]
    assert types[:2] == ["IDENTITY_UNLINKED", "IDENTITY_LINKED"]
    recorded = await record_login(accounts.world, "g", {"sub": "g1"})
    assert recorded["user"]["id"] == before["id"]


async def test_unlinked_account_of_a_blocked_user_is_blocked(accounts: TwoAccounts) -> None:
    linked = await accounts.link()
    await accounts.world.database["users"].update_one(
        {"tenant": accounts.world.tenant, "user_id": "auth0|john"}, {"$set": {"blocked": True}}
    )
    assert codes(await accounts.world.post("{ viewer { id } }", accounts.world.user_token("google-oauth2|g1"))) == [
        "USER_BLOCKED"
    ]
    await accounts.unlink(linked["user"]["identities"][1]["id"])
    assert (await accounts.user("google-oauth2|g1"))["blocked"] is True


async def test_invalid_link_is_refused_and_changes_nothing(accounts: TwoAccounts) -> None:
    world = accounts.world
    await world.add_connection("h", "github")
    await record_login(world, "h", {"id": 5, "login": "h"})
    before = await world.database["users"].find({"tenant": world.tenant}).sort("_id").to_list(None)

    async def refused(**input: Any) -> tuple[str, list[str]]:
        answer = await accounts.link(**input)
        [error] = answer["errors"]
        return error["code"], error["path"]

    assert await refused(secondary={"userId": "auth0|john"}) == ("INVALID_INPUT", ["secondary"])
    assert await refused(secondary={"userId": "auth0|nobody"}) == ("NOT_FOUND", ["secondary"])
    assert await refused(ifVersion=99) == ("VERSION_CONFLICT", ["ifVersion"])
    elsewhere = World("elsewhere-" + world.tenant, world.database, world.client, world.data_dir)
    await elsewhere.add_user("x")
    assert await refused(secondary={"userId": "auth0|x"}) == ("NOT_FOUND", ["secondary"])
    assert await world.database["users"].find({"tenant": world.tenant}).sort("_id").to_list(None) == before
    users = world.database["users"]
    for user_id in ("auth0|john", "google-oauth2|g1"):
        await users.update_one({"tenant": world.tenant, "user_id": user_id}, {"$set": {"blocked": True}})
        assert await refused() == ("USER_BLOCKED", ["secondary"])
        await users.update_one({"tenant": world.tenant, "user_id": user_id}, {"$unset": {"blocked": ""}})
    await accounts.link()
    assert await refused() == ("ALREADY_EXISTS", ["secondary"])
    assert await refused(userId="github|5") == ("ALREADY_EXISTS", ["secondary"])
    assert await refused(userId="github|5", secondary={"userId": "auth0|john"}) == ("INVALID_INPUT", ["secondary"])


async def test_unlink_refuses_primary_and_foreign_identities(accounts: TwoAccounts) -> None:
    linked = await accounts.link()
    for identity, expected in ((linked["user"]["identities"][0]["id"], "INVALID_INPUT"), ("none", "NOT_FOUND")):
        [error] = (await accounts.unlink(identity))["errors"]
        assert (error["code"], error["path"]) == (expected, ["identityId"])


def proof(world: World, subject: str, **changes: Any) -> str:
    given = {"client_id": "web", "expires_in": 3600, "tenant": world.tenant, **changes}
    return mint(world.data_dir, subject, given["client_id"], [], given["expires_in"], given["tenant"])


async def test_user_proves_the_second_account_by_a_recent_token(
    accounts: TwoAccounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = accounts.world
    own = world.user_token("auth0|john")

    async def refused(secondary: Any) -> tuple[str, list[str]]:
        answer = (await world.ask(LINK_IDENTITY, own, input={"secondary": secondary}))["linkIdentity"]
        [error] = answer["errors"]
        return error["code"], error["path"]

    assert await refused({"userId": "google-oauth2|g1"}) == ("INVALID_INPUT", ["secondary", "userId"])
    good_proof = proof(world, "google-oauth2|g1")
    for bad in (
        "x.y.z",
        proof(world, "auth0|john"),
        proof(world, "google-oauth2|g1", client_id="another"),
        proof(world, "google-oauth2|g1", tenant="elsewhere"),
        proof(world, "tool@clients", client_id="tool"),
    ):
        assert await refused({"token": bad}) == ("INVALID_INPUT", ["secondary", "token"]), bad
    assert await refused({"token": proof(world, "google-oauth2|nobody")}) == ("NOT_FOUND", ["secondary"])
    later = time.time() + 301
    monkeypatch.setattr("app.services.identities.time.time", lambda: later)
    # The caller's token is as old as the proof, and the service would refuse it first.
    monkeypatch.setattr("app.services.writes.is_recent", lambda *_: True)
    assert await refused({"token": good_proof}) == ("INVALID_INPUT", ["secondary", "token"])
    monkeypatch.undo()
    answer = (
        await world.ask(
            LINK_IDENTITY.replace("appMetadata ", ""),
            own,
            input={"secondary": {"token": good_proof}, "metadata": "MERGE"},
        )
    )["linkIdentity"]
    assert answer["errors"] == []
    assert answer["user"]["userMetadata"] == {"a": 1, "b": 2, "both": {"x": 1, "y": 2}}
    assert names(answer["user"]) == ["Customer"]
    unlinked = await world.ask(
        UNLINK_IDENTITY.replace("appMetadata ", ""), own, input={"identityId": answer["user"]["identities"][1]["id"]}
    )
    assert unlinked["unlinkIdentity"]["errors"] == []


async def test_users_own_link_needs_a_recent_sign_in(accounts: TwoAccounts, monkeypatch: pytest.MonkeyPatch) -> None:
    own, given = (
        accounts.world.user_token("auth0|john"),
        {"secondary": {"token": proof(accounts.world, "google-oauth2|g1")}},
    )
    later = time.time() + 301
    monkeypatch.setattr("app.services.writes.time.time", lambda: later)
    assert codes(await accounts.world.post(LINK_IDENTITY, own, input=given)) == ["INSUFFICIENT_USER_AUTHENTICATION"]
    waiting = await accounts.world.database["users"].find_one(
        {"tenant": accounts.world.tenant, "user_id": "google-oauth2|g1"}
    )
    assert "linked_to" not in waiting


async def test_full_profile_is_reported_before_an_old_sign_in(world: World) -> None:
    accounts = [Identity(provider="github", connection="gh", user_id=f"g{each}") for each in range(MAX_IDENTITIES)]
    john = await world.add_user("john", identities=tuple(accounts))
    old = world.token_with(john.user_id, auth_time=0)
    told = (await world.ask(LINK_IDENTITY, old, input={"secondary": {"token": "none"}}))["linkIdentity"]
    assert [each["code"] for each in told["errors"]] == ["TOO_LARGE"]


@pytest.mark.parametrize("auth_time", [3600, 60, -301, ...], ids=["in an hour", "in a minute", "long ago", "none"])
async def test_link_refuses_a_proof_without_a_recent_sign_in(accounts: TwoAccounts, auth_time: Any) -> None:
    world, at = accounts.world, time.time()
    claims = {"auth_time": auth_time if auth_time is ... else at + auth_time}
    own, other = world.user_token("auth0|john"), world.user_token("google-oauth2|g1")
    asked = {"secondary": {"token": other}}
    late_own = world.token_with("auth0|john", **claims)
    assert codes(await world.post(LINK_IDENTITY, late_own, input=asked)) == ["INSUFFICIENT_USER_AUTHENTICATION"]
    asked = {"secondary": {"token": world.token_with("google-oauth2|g1", **claims)}}
    [error] = (await world.ask(LINK_IDENTITY, own, input=asked))["linkIdentity"]["errors"]
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["secondary", "token"])


async def test_link_refuses_a_proof_issued_in_the_future(accounts: TwoAccounts) -> None:
    world, at = accounts.world, time.time()
    token = world.token_with("google-oauth2|g1", iat=at + 3600)
    assert (await world.post("{ viewer { id } }", token)).status_code == 401
    answer = await world.ask(LINK_IDENTITY, world.user_token("auth0|john"), input={"secondary": {"token": token}})
    [error] = answer["linkIdentity"]["errors"]
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["secondary", "token"])


async def test_link_accepts_times_with_a_fraction(accounts: TwoAccounts) -> None:
    world, at = accounts.world, time.time()
    own, other = (
        world.token_with(each, iat=at - 0.5, auth_time=at - 0.5) for each in ("auth0|john", "google-oauth2|g1")
    )
    query = LINK_IDENTITY.replace("appMetadata ", "")
    assert (await world.ask(query, own, input={"secondary": {"token": other}}))["linkIdentity"]["errors"] == []


async def test_linked_database_account_keeps_email_and_password(world: World) -> None:
    await world.add_connection()
    await world.add_connection("g", "google-oauth2")
    await record_login(world, "g", {"sub": "g1", "name": "Johnny", "email": "johnny@gmail.com"})
    made = await create_user(world, email="john@example.com", username="john", password=PASSWORD)
    tool, user_id = world.application_token(ALL_SCOPES), made["user"]["userId"]
    input = {"userId": "google-oauth2|g1", "secondary": {"userId": user_id}}
    linked = (await world.ask(LINK_IDENTITY, tool, input=input))["linkIdentity"]
    assert linked["errors"] == []
    for identifier in ("JOHN@example.com", "john"):
        found = await verify_password(world, PASSWORD, identifier)
        assert (found["valid"], found["user"]) == (True, {"userId": "google-oauth2|g1"})
    assert await verify_password(world, "wrong", "john") == INVALID
    # A login with the e-mail address finds the profile, and no other user can get the e-mail address.
    again = await record_login(world, DATABASE, {"email": "john@example.com"})
    assert (again["created"], again["user"]["userId"]) == (False, "google-oauth2|g1")
    assert (await create_user(world, email="John@example.com"))["errors"][0]["code"] == "ALREADY_EXISTS"
    by_address = f'{{ user(by: {{email: {{email: "john@example.com", connection: "{DATABASE}"}}}}) {{ userId }} }}'
    assert (await world.ask(by_address, tool))["user"] == {"userId": "google-oauth2|g1"}
    identity = linked["user"]["identities"][1]["id"]
    input = {"userId": "google-oauth2|g1", "identityId": identity}
    assert (await world.ask(UNLINK_IDENTITY, tool, input=input))["unlinkIdentity"]["errors"] == []
    assert (await world.ask(by_address, tool))["user"] == {"userId": user_id}
    assert (await verify_password(world, PASSWORD, "john"))["user"] == {"userId": user_id}


async def test_link_of_accounts_that_are_too_large_is_refused(accounts: TwoAccounts) -> None:
    """Each account is within the limits, but both together are not."""
    users = accounts.world.database["users"]
    ids = {"tenant": accounts.world.tenant, "user_id": {"$in": ["auth0|john", "google-oauth2|g1"]}}
    before = await users.find(ids).to_list(None)
    for fields, how, path in (
        ("user_metadata", "MERGE", ["metadata"]),
        ("app_metadata", "PREFER_SECONDARY", ["metadata"]),
        ("permissions", "KEEP_PRIMARY", ["secondary"]),
        ("role_ids", "KEEP_PRIMARY", ["secondary"]),
    ):
        for number, each in enumerate(before):
            values: dict[str, Any] = {
                "user_metadata": {f"large{number}": "é" * 20_000},
                "app_metadata": {f"large{number}": "é" * 20_000},
                "permissions": [{"api": str(number), "name": str(name)} for name in range(600)],
                "role_ids": [new_id() for _ in range(30)],
            }
            await users.update_one({"_id": each["_id"]}, {"$set": {fields: values[fields]}})
        [error] = (await accounts.link(metadata=how))["errors"]
        assert (error["code"], error["path"]) == ("TOO_LARGE", path), fields
        for each in before:
            await users.replace_one({"_id": each["_id"]}, each)
    assert (await accounts.link(metadata="MERGE"))["errors"] == []
