"""What is held about a user, as one document."""

import json
from typing import Any

import pytest

from app.domain.logs import Actor, FieldChange, LogEventType
from app.domain.scopes import Scope
from app.domain.users import User
from tests.schema.test_access import add_device, enroll, grant
from tests.world import World, codes

EVERYTHING = [str(each) for each in Scope]
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
    await add_device(world, john, "shop", "m-device")
    await grant(world, john)
    await enroll(world, john, type="phone", name="+14258831929")
    changes = (FieldChange("user_metadata.color", "m-old", "m-user"), FieldChange("app_metadata.plan", None, "m-app"))
    more: dict[str, Any] = {"changes": changes, "reason": "m-reason", "actor": Actor("APPLICATION", "support", None)}
    await world.add_event(john, LogEventType.USER_METADATA_UPDATED, **more)
    for _ in range(250):
        await world.add_event(john)
    await world.add_user("jane", user_metadata={"color": "m-jane"})
    return john


async def test_a_tool_gets_all_that_is_held(world: World, john: User) -> None:
    told = await export(world, world.tool_token(EVERYTHING), userId=john.user_id, reason="asked in writing")
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
    # All of the history, however old.
    assert len(data["log_events"]) == 250 + 1 + 2 + 1
    changed = next(each for each in data["log_events"] if each["type"] == "USER_METADATA_UPDATED")
    assert changed["reason"] == "m-reason"
    assert {"path": "app_metadata.plan", "after": "m-app"} in changed["changes"]
    text = json.dumps(data)
    assert "m-token" not in text
    assert "m-jane" not in text
    event = (await world.events(john))[-1]
    assert (event["type"], event["reason"]) == ("PERSONAL_DATA_EXPORTED", "asked in writing")


async def test_users_get_of_theirs_what_they_may_read(
    world: World, john: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = world.user_token(john)
    data = (await export(world, token))["data"]
    assert data["user"]["user_metadata"] == {"color": "m-user"}
    text = json.dumps(data)
    for hidden in ("m-app", "m-reason", "m-token", "m-jane"):
        assert hidden not in text
    assert "m-device" in text
    assert "m-old" in text
    monkeypatch.setattr("app.services.changes.is_recent", lambda *_: False)
    assert codes(await world.post(EXPORT, token, input={})) == ["INSUFFICIENT_USER_AUTHENTICATION"]


async def test_an_export_holds_no_more_than_its_scopes_open(world: World, john: User) -> None:
    token = world.tool_token(["read:users", "read:users_app_metadata"])
    data = (await export(world, token, userId=john.user_id))["data"]
    assert set(data) == {"user"}
    conflict = await export(world, token, userId=john.user_id, ifVersion=9)
    assert conflict == {"data": None, "errors": [{"code": "VERSION_CONFLICT", "path": ["ifVersion"]}]}
    missing = await export(world, token, userId="auth0|nobody")
    assert missing["errors"] == [{"code": "NOT_FOUND", "path": ["userId"]}]
