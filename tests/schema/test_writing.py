"""Writes of metadata and root attributes: results, refusals and log events."""

import asyncio
from typing import Any

import pytest

from app.domain.metadata import MAX_DEPTH, RESERVED_APP_METADATA
from app.domain.users import User
from tests.clients import service_client
from tests.world import World, codes

USER_METADATA = """mutation($input: UpdateUserMetadataInput!) { updateUserMetadata(input: $input) {
  user { version userMetadata } errors { __typename code message path
    ... on VersionConflictError { currentVersion } } } }"""
APP_METADATA = """mutation($input: UpdateAppMetadataInput!) { updateAppMetadata(input: $input) {
  user { version appMetadata } errors { code message path } } }"""
ROOT = """mutation($input: UpdateRootAttributesInput!) { updateRootAttributes(input: $input) {
  user { version name nickname picture rootAttributes { name value source updatedAt } }
  errors { code message path } } }"""


async def patched(world: World, user: User, **input: Any) -> Any:
    return (await world.ask(USER_METADATA, world.user_token(user), input=input))["updateUserMetadata"]


async def assert_untouched(world: World, user: User) -> None:
    stored = await world.stored(user)
    assert stored["version"] == user.version
    assert stored["name"] == user.name
    assert stored.get("user_metadata", {}) == user.user_metadata
    assert stored.get("app_metadata", {}) == user.app_metadata
    assert await world.events(user) == []


async def test_patch_is_merged_at_any_depth_and_logged_by_path(world: World) -> None:
    john = await world.add_user("john", user_metadata={"a": {"b": {"c": 1, "d": 2}}, "gone": 1, "list": [1, 2]})
    patch: dict[str, Any] = {"a": {"b": {"c": 3}}, "gone": None, "list": [3], "new": {"x": {}}}
    payload = await patched(world, john, patch=patch, reason="moved house")
    after = {"a": {"b": {"c": 3, "d": 2}}, "list": [3], "new": {"x": {}}}
    assert payload == {"user": {"version": 2, "userMetadata": after}, "errors": []}
    [event] = await world.events(john)
    assert event["type"] == "USER_METADATA_UPDATED"
    assert event["user_version"] == 2
    assert event["reason"] == "moved house"
    assert event["client_id"] == "web"
    assert event["ip"] == "127.0.0.1"
    assert event["user_agent"].startswith("python-httpx")
    assert "actor" not in event
    assert event["changes"] == [
        {"path": "user_metadata.a.b.c", "before": 1, "after": 3},
        {"path": "user_metadata.gone", "before": 1},
        {"path": "user_metadata.list", "before": [1, 2], "after": [3]},
        {"path": "user_metadata.new.x", "after": {}},
    ]


async def test_replace_sets_the_whole_document(world: World) -> None:
    john = await world.add_user("john", user_metadata={"a": 1, "b": 2})
    assert (await patched(world, john, patch={"b": 3}, replace=True))["user"]["userMetadata"] == {"b": 3}
    assert (await patched(world, john, patch={}, replace=True))["user"]["userMetadata"] == {}
    assert "user_metadata" not in await world.stored(john)


@pytest.mark.parametrize("patch", [{}, {"a": 1}, {"nothing": None}, {"b": {}}, {"b": {"c": True}}])
async def test_patch_that_changes_nothing_writes_nothing(world: World, patch: Any) -> None:
    john = await world.add_user("john", user_metadata={"a": 1, "b": {"c": True}})
    payload = await patched(world, john, patch=patch)
    assert payload["user"]["version"] == 1
    assert payload["errors"] == []
    await assert_untouched(world, john)


async def test_true_is_not_one(world: World) -> None:
    john = await world.add_user("john", user_metadata={"a": True})
    payload = await patched(world, john, patch={"a": 1})
    assert payload["user"] == {"version": 2, "userMetadata": {"a": 1}}
    assert (await world.stored(john))["user_metadata"]["a"] is not True


@pytest.mark.parametrize(
    ("patch", "path"),
    [
        ([1], ["patch"]),
        ("text", ["patch"]),
        (None, ["patch"]),
        ({"": 1}, ["patch", ""]),
        ({"a": {"b.c": 1}}, ["patch", "a", "b.c"]),
        ({"$set": 1}, ["patch", "$set"]),
        ({"a\x00b": 1}, ["patch", "a\x00b"]),
        ({"__proto__": {}}, ["patch", "__proto__"]),
        ({"k" * 129: 1}, ["patch", "k" * 128]),
        ({"a": [{"$where": 1}]}, ["patch", "a", "0", "$where"]),
        ({"n": 2**63}, ["patch", "n"]),
        ({"n": 2**70}, ["patch", "n"]),
        ({"n": -(2**63) - 1}, ["patch", "n"]),
    ],
)
async def test_invalid_metadata_is_refused_with_its_path(world: World, patch: Any, path: list[str]) -> None:
    john = await world.add_user("john", user_metadata={"keep": 1})
    if patch is None:
        assert codes(await world.post(USER_METADATA, world.user_token(john), input={"patch": None})) == [
            "BAD_USER_INPUT"
        ]
    else:
        payload = await patched(world, john, patch=patch)
        assert payload["user"] is None
        assert [(each["code"], each["path"]) for each in payload["errors"]] == [("INVALID_INPUT", path)]
    await assert_untouched(world, john)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", '"\\ud800"', '{"\\udc00": 1}', "1e999"])
async def test_values_that_json_forbids_are_refused(world: World, value: str) -> None:
    john = await world.add_user("john", user_metadata={"keep": 1})
    body = '{"query": "mutation($p: JSON!) { updateUserMetadata(input: {patch: $p}) { errors { code path } } }",'
    body += f'"variables": {{"p": {{"n": {value}}}}}}}'
    headers = {"authorization": f"Bearer {world.user_token(john)}", "content-type": "application/json"}
    answer = (await world.client.post("/graphql", content=body, headers=headers)).json()
    assert [each["code"] for each in answer["data"]["updateUserMetadata"]["errors"]] == ["INVALID_INPUT"]
    await assert_untouched(world, john)


async def test_largest_integers_are_stored_exactly(world: World) -> None:
    john = await world.add_user("john")
    patch = {"max": 2**63 - 1, "min": -(2**63), "long": 1234567890123456789}
    assert (await patched(world, john, patch=patch))["user"]["userMetadata"] == patch


async def test_metadata_that_is_too_deep_or_large_is_refused(world: World) -> None:
    john = await world.add_user("john", user_metadata={"keep": 1})
    deep: Any = 1
    for _ in range(MAX_DEPTH):
        deep = {"d": deep}
    assert (await patched(world, john, patch={"d": deep}))["errors"][0]["code"] == "INVALID_INPUT"
    assert (await patched(world, john, patch={"big": "x" * 65_536}))["errors"][0]["code"] == "TOO_LARGE"
    await assert_untouched(world, john)
    assert (await patched(world, john, patch={"d": deep["d"]}))["errors"] == []


@pytest.mark.parametrize("key", sorted(RESERVED_APP_METADATA))
async def test_reserved_keys_of_app_metadata_are_refused(world: World, key: str) -> None:
    john = await world.add_user("john")
    input = {"userId": john.user_id, "patch": {key: 1}}
    payload = (await world.ask(APP_METADATA, world.application_token(), input=input))["updateAppMetadata"]
    assert [(each["code"], each["path"]) for each in payload["errors"]] == [("FORBIDDEN_FIELD", ["patch", key])]
    await assert_untouched(world, john)


async def test_application_writes_app_metadata_and_is_the_actor(world: World) -> None:
    john = await world.add_user("john", app_metadata={"plan": "free"})
    input = {"userId": john.user_id, "patch": {"plan": "pro"}, "reason": "paid"}
    payload = (await world.ask(APP_METADATA, world.application_token(), input=input))["updateAppMetadata"]
    assert payload == {"user": {"version": 2, "appMetadata": {"plan": "pro"}}, "errors": []}
    [event] = await world.events(john)
    assert event["actor"] == {"kind": "APPLICATION", "id": "support@clients", "name": None}
    assert event["changes"] == [{"path": "app_metadata.plan", "before": "free", "after": "pro"}]


async def test_unknown_user_is_not_found(world: World) -> None:
    payload = await world.ask(APP_METADATA, world.application_token(), input={"userId": "auth0|x", "patch": {}})
    assert [(each["code"], each["path"]) for each in payload["updateAppMetadata"]["errors"]] == [
        ("NOT_FOUND", ["userId"])
    ]


async def test_application_must_name_the_user(world: World) -> None:
    payload = (await world.ask(USER_METADATA, world.application_token(), input={"patch": {}}))["updateUserMetadata"]
    assert [(each["code"], each["path"]) for each in payload["errors"]] == [("INVALID_INPUT", ["userId"])]


async def test_outdated_if_version_returns_the_current_profile(world: World) -> None:
    john = await world.add_user("john")
    assert (await patched(world, john, patch={"a": 1}, ifVersion=1))["user"]["version"] == 2
    payload = await patched(world, john, patch={"a": 2}, ifVersion=1)
    assert payload["user"] == {"version": 2, "userMetadata": {"a": 1}}
    [error] = payload["errors"]
    assert (error["__typename"], error["code"], error["currentVersion"]) == (
        "VersionConflictError",
        "VERSION_CONFLICT",
        2,
    )
    assert error["path"] == ["ifVersion"]
    assert (await patched(world, john, patch={"a": 2}, ifVersion=None))["errors"][0]["code"] == "INVALID_INPUT"
    assert (await world.stored(john))["version"] == 2


async def test_one_of_many_writes_with_one_if_version_succeeds(world: World) -> None:
    john = await world.add_user("john")
    writes = [patched(world, john, patch={f"k{number}": 1}, ifVersion=1) for number in range(8)]
    payloads = await asyncio.gather(*writes)
    assert sorted(len(each["errors"]) for each in payloads) == [0] + [1] * 7
    assert (await world.stored(john))["version"] == 2
    assert len(await world.events(john)) == 1


async def test_root_attributes_are_set_cleared_or_kept(world: World) -> None:
    await world.add_connection()
    john = await world.add_user("john", nickname="johnny", given_name="John")
    input = {"name": "J. Doe", "nickname": None, "picture": "https://example.com/j.png"}
    payload = (await world.ask(ROOT, world.user_token(john), input=input))["updateRootAttributes"]
    user = payload["user"]
    assert payload["errors"] == []
    assert (user["version"], user["name"], user["nickname"], user["picture"]) == (
        2,
        "J. Doe",
        None,
        "https://example.com/j.png",
    )
    sources = {each["name"]: each["source"] for each in user["rootAttributes"]}
    assert sources == {
        "NAME": "USER",
        "GIVEN_NAME": "DEFAULT",
        "FAMILY_NAME": "DEFAULT",
        "NICKNAME": "USER",
        "PICTURE": "USER",
    }
    [event] = await world.events(john)
    assert event["type"] == "ROOT_ATTRIBUTES_UPDATED"
    assert [each["path"] for each in event["changes"]] == ["name", "nickname", "picture"]
    stored = await world.stored(john)
    assert stored["name_folded"] == "j. doe"
    assert stored["given_name"] == "John"


async def test_application_is_the_source_of_its_root_attributes(world: World) -> None:
    await world.add_connection()
    john = await world.add_user("john")
    input = {"userId": john.user_id, "name": "Jon"}
    payload = (await world.ask(ROOT, world.application_token(), input=input))["updateRootAttributes"]
    assert payload["user"]["rootAttributes"][0]["source"] == "ADMIN"
    assert (await world.events(john))[0]["actor"]["id"] == "support@clients"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", ""),
        ("name", "x" * 301),
        ("givenName", "x" * 151),
        ("familyName", "x" * 151),
        ("nickname", "x" * 301),
        ("name", "a\x00b"),
        ("name", "a\nb"),
        ("picture", "http://example.com/a.png"),
        ("picture", "javascript:alert(1)"),
        ("picture", "https://"),
        ("picture", "not a url"),
        ("picture", "https://example.com/" + "x" * 2048),
    ],
)
async def test_root_attribute_out_of_its_limits_is_refused(world: World, name: str, value: str) -> None:
    await world.add_connection()
    john = await world.add_user("john")
    payload = (await world.ask(ROOT, world.user_token(john), input={name: value}))["updateRootAttributes"]
    assert [(each["code"], each["path"]) for each in payload["errors"]] == [("INVALID_INPUT", [name])]
    await assert_untouched(world, john)


async def test_reason_has_limits(world: World) -> None:
    john = await world.add_user("john")
    payload = await patched(world, john, patch={"a": 1}, reason="x" * 501)
    assert [(each["code"], each["path"]) for each in payload["errors"]] == [("INVALID_INPUT", ["reason"])]
    await assert_untouched(world, john)


async def test_no_input_becomes_an_operator_of_mongodb(world: World) -> None:
    john = await world.add_user("john")
    patch = {"a": "$name", "b": {"c": "$$ROOT"}, "d": ["$set"]}
    assert (await patched(world, john, patch=patch))["user"]["userMetadata"] == patch


async def test_event_lists_at_most_a_thousand_changes(world: World) -> None:
    john = await world.add_user("john")
    await patched(world, john, patch={f"k{number:04}": number for number in range(1_500)})
    [event] = await world.events(john)
    assert len(event["changes"]) == 1_000


async def test_history_drops_oldest_events_and_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user and an application see the same number of dropped events."""
    john = await world.add_user("john")
    async with service_client(world, log_max_bytes_per_user=10_000) as client:
        monkeypatch.setattr(world, "client", client)
        for number in range(30):
            assert (await patched(world, john, patch={"a": f"{number}" + "x" * 300}))["errors"] == []
        read = """query { user(by: {userId: "auth0|john"}) { logEvents(first: 100) {
          nodes { type description details actor { kind } changes { after } } } } }"""
        for token in (world.user_token(john), world.application_token()):
            *kept, told = (await world.ask(read, token))["user"]["logEvents"]["nodes"]
            assert kept[0]["changes"][0]["after"].startswith("29x")
            assert 5 < len(kept) < 30
            assert (told["type"], told["details"]) == ("LOG_EVENTS_DROPPED", {"count": 30 - len(kept)})
            assert told["actor"] == {"kind": "SYSTEM"}


async def test_large_value_is_logged_as_marker(world: World) -> None:
    john = await world.add_user("john")
    await patched(world, john, patch={"a": "é" * 3_000, "b": "small"})
    [event] = await world.events(john)
    changes = {each["path"]: each["after"] for each in event["changes"]}
    assert changes == {"user_metadata.a": {"too_large": True, "bytes": 6_002}, "user_metadata.b": "small"}
    assert (await world.stored(john))["user_metadata"]["a"] == "é" * 3_000
