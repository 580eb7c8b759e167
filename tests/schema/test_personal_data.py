"""exportPersonalData returns everything that is stored about a user in one document."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, parse, validate

from app.domain.attributes.devices import DEVICE
from app.domain.attributes.enrollments import ENROLLMENT
from app.domain.attributes.grants import GRANT
from app.domain.attributes.identities import IDENTITY
from app.domain.attributes.logs import LOG_EVENT
from app.domain.attributes.roles import ROLE
from app.domain.attributes.users import USER
from app.domain.kinds import Kind, stored
from app.domain.logs import Actor, FieldChange, LogEventType
from app.domain.rows import to_camel
from app.domain.rules import READ_IDP_TOKENS
from app.domain.times import now
from app.domain.users import User
from app.schema.mutations.personal_data import selection_of
from app.services import personal_data
from app.services.lists import Lists
from app.store.database import new_id
from tests.schema.operations.enrollments import record_enrollment
from tests.schema.operations.grants import record_grant
from tests.world import ALL_SCOPES, World, codes

EXPORT = "mutation($input: SelfActionInput!) { exportPersonalData(input: $input) { data errors { code path } } }"


async def export(world: World, token: str, **input: Any) -> Any:
    return (await world.ask(EXPORT, token, input=input))["exportPersonalData"]


@pytest.fixture
async def john(world: World) -> User:
    await world.add_connection()
    role = await world.add_role("Editor", [{"api": "a", "name": "write"}])
    known: dict[str, Any] = {"user_metadata": {"color": "m-user"}, "app_metadata": {"plan": "m-app"}}
    john = await world.add_user("john", role_ids=(role,), permissions=({"api": "a", "name": "read"},), **known)
    await world.database["users"].update_one(
        {"_id": john.id},
        {"$set": {"identities.0.profile_data": '{"x": "m-idp"}', "identities.0.access_token": world.seal("m-token")}},
    )
    await world.add_device(john, "shop", "m-device")
    await world.database["devices"].update_many(
        {"user": john.id}, {"$set": {"type": "PUBLIC_KEY", "created_at": now()}}
    )
    await record_grant(world, john)
    await record_enrollment(world, john, type="phone", name="+14258831929")
    changes = (FieldChange("user_metadata.color", "m-old", "m-user"), FieldChange("app_metadata.plan", None, "m-app"))
    more: dict[str, Any] = {"changes": changes, "reason": "m-reason", "actor": Actor("APPLICATION", "support", None)}
    await world.add_event(john, LogEventType.USER_METADATA_UPDATED, **more)
    event = await world.database["log_events"].find_one({"_id": await world.add_event(john)})
    await world.database["log_events"].insert_many([{**event, "_id": new_id()} for _ in range(249)])
    await world.add_user("jane", user_metadata={"color": "m-jane"})
    return john


async def test_application_exports_all_stored_data(world: World, john: User) -> None:
    told = await export(world, world.application_token(ALL_SCOPES), userId=john.user_id, reason="asked in writing")
    assert told["errors"] == []
    data = told["data"]
    assert set(data) == {"user", "devices", "log_events", "authorized_applications", "mfa_enrollments"}
    user = data["user"]
    assert (user["user_id"], user["user_metadata"], user["app_metadata"]) == (
        "auth0|john",
        {"color": "m-user"},
        {"plan": "m-app"},
    )
    assert user["identities"][0]["profile_data"] == {"x": "m-idp"}
    assert [each["name"] for each in user["roles"]] == ["Editor"]
    assert [each["name"] for each in user["permissions"]] == ["read", "write"]
    assert [each["device_id"] for each in data["devices"]] == ["m-device"]
    assert [each["client_id"] for each in data["authorized_applications"]] == ["shop"]
    assert [each["name"] for each in data["mfa_enrollments"]] == ["XXXXXXX1929"]
    # The whole history, not only the past two days.
    assert len(data["log_events"]) == 250 + 1 + 2 + 1
    changed = next(each for each in data["log_events"] if each["type"] == "USER_METADATA_UPDATED")
    assert changed["reason"] == "m-reason"
    assert {"path": "app_metadata.plan", "after": "m-app"} in changed["changes"]
    text = json.dumps(data)
    assert "m-token" not in text
    assert "m-jane" not in text
    event = (await world.events(john))[-1]
    assert (event["type"], event["reason"]) == ("PERSONAL_DATA_EXPORTED", "asked in writing")


async def test_users_export_what_they_may_read(world: World, john: User, monkeypatch: pytest.MonkeyPatch) -> None:
    token = world.user_token(john)
    data = (await export(world, token))["data"]
    assert data["user"]["user_metadata"] == {"color": "m-user"}
    text = json.dumps(data)
    for hidden in ("m-app", "m-reason", "m-token", "m-jane"):
        assert hidden not in text
    assert "m-device" in text
    assert "m-old" in text
    monkeypatch.setattr("app.services.writes.is_recent", lambda *_: False)
    assert codes(await world.post(EXPORT, token, input={})) == ["INSUFFICIENT_USER_AUTHENTICATION"]


async def test_export_contains_only_what_the_scopes_allow(world: World, john: User) -> None:
    token = world.application_token(["read:users", "read:users_app_metadata"])
    data = (await export(world, token, userId=john.user_id))["data"]
    assert set(data) == {"user"}
    conflict = await export(world, token, userId=john.user_id, ifVersion=9)
    assert conflict == {"data": None, "errors": [{"code": "VERSION_CONFLICT", "path": ["ifVersion"]}]}
    missing = await export(world, token, userId="auth0|nobody")
    assert missing["errors"] == [{"code": "NOT_FOUND", "path": ["userId"]}]


# ---------------------------------------------------------------- only what is declared

KINDS = (USER, IDENTITY, ROLE, DEVICE, LOG_EVENT, GRANT, ENROLLMENT)
SCHEMA = build_schema((Path(__file__).parents[2] / "schema.graphql").read_text())

# Attributes that are not exported: computed from others, not about the user, or secret.
NOT_PERSONAL = {
    "User": {"raw", "viewer_actions"},
    "Identity": {"id", "is_primary", "access_token", "refresh_token"},
    "Role": {"version", "users"},
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_attribute_is_declared_personal_or_omitted(kind: Kind) -> None:
    """A new attribute needs a decision: set `personal` in the table, or add it here."""
    left_out = {name for name, each in kind.attributes.items() if not each.personal}
    assert left_out == NOT_PERSONAL.get(kind.name, set())


@pytest.mark.parametrize("is_declared", [True, False])
@pytest.mark.parametrize(
    ("kind", "collection"),
    [
        (USER, "users"),
        (DEVICE, "devices"),
        (LOG_EVENT, "log_events"),
        (GRANT, "grants"),
        (ENROLLMENT, "mfa_enrollments"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_new_attribute_is_exported_when_declared_only(
    world: World, john: User, monkeypatch: pytest.MonkeyPatch, kind: Kind, collection: str, is_declared: bool
) -> None:
    await world.database[collection].update_many({"tenant": world.tenant}, {"$set": {"shoe_size": "m-44"}})
    for table in (kind.attributes, kind.steps):
        # At the end of the test, monkeypatch removes the attribute from both.
        monkeypatch.setitem(table, "shoe_size", None)
    kind.add([stored("shoe_size", "New.", in_raw=True, personal=is_declared)])
    data = (await export(world, world.application_token(ALL_SCOPES), userId=john.user_id))["data"]
    assert ("m-44" in json.dumps(data)) is is_declared


async def test_export_has_no_secret(world: World, john: User) -> None:
    secrets = {"access_token", "refresh_token", "profile_data"}
    secret_fields = {f"identities.0.{name}": world.seal("m-s3cret") for name in secrets - {"profile_data"}}
    secret_fields["identities.0.profile_data"] = '{"x": 1, "apiKey": "m-s3cret", "nested": {"password": "m-s3cret"}}'
    await world.database["users"].update_one({"_id": john.id}, {"$set": secret_fields})
    await world.database["devices"].update_many({"user": john.id}, {"$set": {"token_hash": "m-s3cret"}})
    text = json.dumps((await export(world, world.application_token(ALL_SCOPES), userId=john.user_id))["data"])
    assert "m-s3cret" not in text
    assert '"x": 1' in text
    assert all(each.read is not READ_IDP_TOKENS for kind in KINDS for each in kind.attributes.values() if each.personal)


# ---------------------------------------------------------------- bounded


@pytest.mark.parametrize("name", sorted(USER.personal_selection()))
def test_query_for_the_rest_of_each_attribute_is_valid(name: str) -> None:
    """A new attribute that is an object needs its fields in `_PARTS`."""
    query = f"{{ viewer {{ {to_camel(name)} {selection_of(USER, USER.attributes[name])} }} }}"
    assert validate(SCHEMA, parse(query)) == []


async def read_on(world: World, token: str, entry: Any) -> list[Any]:
    """Returns the items of all pages of the query of a truncated list."""
    found: list[Any] = []
    query = entry["query"]
    while True:
        page = (await world.ask(query, token, **entry["variables"]))["user"][to_camel(entry["path"])]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        query = re.sub(
            r', after: "[^"]*"|(?=\) \{ nodes)', f', after: "{page["pageInfo"]["endCursor"]}"', query, count=1
        )


@pytest.mark.parametrize("own", [True, False], ids=["self", "tool"])
async def test_truncated_history_names_the_query_for_the_rest(
    world: World, john: User, monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    monkeypatch.setattr(personal_data, "MAX_BYTES", 30_000)
    # Two events have the same time, and one is older than the default period of the history.
    for days in (1, 1, 25):
        await world.add_event(john, date=now() - timedelta(days=days))
    token = world.user_token(john) if own else world.application_token(ALL_SCOPES)
    data = (await export(world, token, userId=john.user_id))["data"]
    assert len(json.dumps({**data, "truncated": None}, separators=(",", ":"), ensure_ascii=False).encode()) < 30_200
    assert data["log_events"][0]["type"] == "PERSONAL_DATA_EXPORTED"
    [entry] = data["truncated"]
    assert (entry["path"], entry["returned"]) == ("log_events", len(data["log_events"]))
    assert 20 < entry["returned"] < 200
    rest = [each["logId"] for each in await read_on(world, token, entry)]
    expected = {str(each["_id"]) for each in await world.events(john)}
    got = [each["log_id"] for each in data["log_events"]] + rest
    assert (len(got), set(got)) == (len(expected), expected)


async def test_truncated_lists_and_attributes_name_a_query(
    world: World, john: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If no part fits, each part names a query that returns all of it. Each query is valid."""
    token = world.application_token(ALL_SCOPES)
    whole = (await export(world, token, userId=john.user_id))["data"]
    monkeypatch.setattr(personal_data, "MAX_BYTES", 20)
    data = (await export(world, token, userId=john.user_id))["data"]
    lists: dict[str, list[Any]] = {
        name: [] for name in ("log_events", "devices", "authorized_applications", "mfa_enrollments")
    }
    entries = {each["path"]: each for each in data.pop("truncated")}
    assert data == {"user": {}, **lists}
    assert entries.keys() == lists.keys() | {f"user.{name}" for name in whole["user"]}
    for path, entry in entries.items():
        assert entry.get("returned") == (0 if path in lists else None)
        name = path.removeprefix("user.")
        found = (await world.ask(entry["query"], token, **entry["variables"]))["user"][to_camel(name)]
        assert found is not None
    found = await world.ask(entries["user.permissions"]["query"], token, **entries["user.permissions"]["variables"])
    assert [each["name"] for each in found["user"]["permissions"]] == ["read", "write"]


async def test_large_lists_leave_room_for_history(world: World, john: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal_data, "MAX_BYTES", 40_000)
    for name, known in (("devices", "device_id"), ("grants", "client_id")):
        one = await world.database[name].find_one({"user": john.id})
        many = [{**one, "_id": new_id(), known: f"{number:03}" + "x" * 400} for number in range(100)]
        await world.database[name].insert_many(many)
    data = (await export(world, world.application_token(ALL_SCOPES), userId=john.user_id))["data"]
    assert {each["path"] for each in data["truncated"]} == {"authorized_applications", "devices", "log_events"}
    assert data["log_events"][0]["type"] == "PERSONAL_DATA_EXPORTED"
    assert min(len(data[name]) for name in ("devices", "authorized_applications", "log_events")) > 3
    devices = next(each for each in data["truncated"] if each["path"] == "devices")
    rest = await read_on(world, world.application_token(ALL_SCOPES), devices)
    assert len(data["devices"]) + len(rest) == 101


async def test_export_reads_no_more_than_it_returns(world: World, john: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The export reads few large items at once, and a whole page of small items."""
    sizes: list[int] = []
    pages = Lists.pages

    async def counted(self: Any, principal: Any, owners: Any, query: Any, request: Any, *more: Any) -> Any:
        sizes.append(request.size)
        return await pages(self, principal, owners, query, request, *more)

    monkeypatch.setattr(Lists, "pages", counted)
    token = world.application_token(ALL_SCOPES)
    await export(world, token, userId=john.user_id)
    assert sizes == [10, 10, 10, 10, 100, 100, 100]
    sizes.clear()
    monkeypatch.setattr(personal_data, "MAX_BYTES", 8_000)
    await export(world, token, userId=john.user_id)
    assert sizes == [10, 10, 10, 10, 100]
    sizes.clear()
    large: dict[str, Any] = {"details": {"x": "y" * 10_000}}
    for _ in range(15):
        await world.add_event(john, **large)
    monkeypatch.setattr(personal_data, "MAX_BYTES", 10_000_000)
    await export(world, token, userId=john.user_id)
    assert sizes[3:6] == [10, 10, 10]
