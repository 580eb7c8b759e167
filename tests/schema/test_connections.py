"""Connections and login rules through GraphQL on the real database: saving, deleting, and their log events."""

import asyncio
from typing import Any

import pytest

from app.domain.commits import Commit, ProfileWrite
from app.domain.connections import SyncRootAttributes
from app.domain.errors import ErrorCode, Refused
from app.domain.login_rules import BUILT_IN
from app.domain.logs import LogEventType
from app.domain.principals import ActorKind, Principal
from app.domain.scopes import Scope
from app.domain.users import User
from app.geo.locations import LocationDatabase
from app.services.connections import Connections
from app.services.events import Events
from app.services.tenant_changes import Condition
from app.store.connections import GUARDS, ConnectionStore, guard_connection
from app.store.errors import Conflict, Taken
from app.store.records import Records
from app.store.snapshots import Snapshots
from app.store.users import to_document
from tests.world import ALL_SCOPES, DATABASE, World

CONNECTION = "authConnection { id name strategy importMode syncRootAttributes allowsSignUp version }"
ERRORS = "errors { code path message ... on VersionConflictError { currentVersion } }"
SAVE = f"mutation($input: SaveAuthConnectionInput!) {{ saveAuthConnection(input: $input) {{ {CONNECTION} {ERRORS} }} }}"
DELETE = (
    f"mutation($input: DeleteAuthConnectionInput!) {{ deleteAuthConnection(input: $input) {{ deletedName {ERRORS} }} }}"
)
RULE = f"""mutation($input: SaveLoginRuleInput!) {{ saveLoginRule(input: $input) {{
  loginRule {{ name enabled version }} {ERRORS} }} }}"""
# Every setting differs from its default.
CORP: dict[str, Any] = {
    "strategy": "custom",
    "importMode": True,
    "syncRootAttributes": "ON_FIRST_LOGIN",
    "allowsSignUp": True,
}


async def save(world: World, name: str = "corp", **input: Any) -> Any:
    token = world.application_token(ALL_SCOPES)
    return (await world.ask(SAVE, token, input={"name": name, **input}))["saveAuthConnection"]


async def delete(world: World, name: str = "corp", **input: Any) -> Any:
    token = world.application_token(ALL_SCOPES)
    return (await world.ask(DELETE, token, input={"name": name, **input}))["deleteAuthConnection"]


async def save_rule(world: World, enabled: bool, **input: Any) -> Any:
    named = {"name": BUILT_IN[0].name, "enabled": enabled, **input}
    return (await world.ask(RULE, world.application_token(ALL_SCOPES), input=named))["saveLoginRule"]


async def events(world: World) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = (
        await world.database["log_events"].find({"tenant": world.tenant}).sort("_id").to_list(None)
    )
    return events


def refusal(payload: Any) -> tuple[str, list[str]]:
    [error] = payload["errors"]
    return error["code"], error["path"]


def settings(payload: Any) -> dict[str, Any]:
    assert payload["errors"] == []
    return {name: payload["authConnection"][name] for name in CORP}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"strategy": "custom"},
        {"importMode": False},
        {"syncRootAttributes": "NEVER"},
        {"allowsSignUp": False},
    ],
    ids=lambda given: next(iter(given), "nothing"),
)
async def test_save_connection_keeps_omitted_settings(world: World, given: dict[str, Any]) -> None:
    assert settings(await save(world, **CORP)) == CORP
    assert settings(await save(world, **given)) == {**CORP, **given}


async def test_login_after_partial_save_keeps_users_own_name(world: World) -> None:
    await save(world, strategy="google-oauth2", syncRootAttributes="ON_FIRST_LOGIN")
    login = """mutation($profile: JSON!) { recordLogin(input: {connection: "corp", profile: $profile}) {
      user { name } errors { code } } }"""
    token = world.application_token(ALL_SCOPES)
    await world.ask(login, token, profile={"sub": "1", "name": "Theirs"})
    own = {"userId": "google-oauth2|1", "name": "Mine"}
    update = "mutation($input: UpdateRootAttributesInput!) { updateRootAttributes(input: $input) { errors { code } } }"
    assert (await world.ask(update, token, input=own))["updateRootAttributes"]["errors"] == []
    await save(world, strategy="google-oauth2")
    again = await world.ask(login, token, profile={"sub": "1", "name": "Theirs"})
    assert again["recordLogin"]["user"]["name"] == "Mine"


@pytest.mark.parametrize("name", [*CORP, "ifVersion"])
async def test_save_connection_refuses_null(world: World, name: str) -> None:
    nothing: dict[str, Any] = {name: None}
    await save(world, **CORP)
    assert refusal(await save(world, **nothing)) == ("INVALID_INPUT", [name])
    assert refusal(await save(world, "other", **{"strategy": "auth0", name: None})) == ("INVALID_INPUT", [name])
    assert settings(await save(world)) == CORP
    assert await world.database["connections"].count_documents({"tenant": world.tenant}) == 1


async def test_new_connection_needs_a_strategy(world: World) -> None:
    assert refusal(await save(world, importMode=True)) == ("INVALID_INPUT", ["strategy"])
    assert refusal(await save(world, strategy="auth0", ifVersion=1)) == ("NOT_FOUND", ["name"])
    made = (await save(world, strategy="auth0"))["authConnection"]
    del made["id"]
    defaults = {"importMode": False, "syncRootAttributes": "ON_EACH_LOGIN", "allowsSignUp": False}
    assert made == {"name": "corp", "strategy": "auth0", **defaults, "version": 1}


async def test_connection_version_moves_with_changes_only(world: World) -> None:
    assert (await save(world, **CORP))["authConnection"]["version"] == 1
    assert (await save(world, importMode=True))["authConnection"]["version"] == 1
    assert (await save(world, importMode=False, ifVersion=1))["authConnection"]["version"] == 2
    conflict = await save(world, importMode=True, ifVersion=1)
    assert refusal(conflict) == ("VERSION_CONFLICT", ["ifVersion"])
    assert conflict["errors"][0]["currentVersion"] == 2
    assert conflict["authConnection"]["version"] == 2
    assert conflict["authConnection"]["importMode"] is False
    listed = await world.ask("{ authConnections { version importMode } }", world.application_token())
    assert listed["authConnections"] == [{"version": 2, "importMode": False}]
    assert [each["type"] for each in await events(world)] == ["AUTH_CONNECTION_CREATED", "AUTH_CONNECTION_UPDATED"]


async def test_connection_without_version_has_version_one(world: World) -> None:
    """Earlier releases stored connections without a version."""
    await world.add_connection("corp", "google-oauth2")
    listed = await world.ask("{ authConnections { version } }", world.application_token())
    assert listed["authConnections"] == [{"version": 1}]
    saved = await save(world, syncRootAttributes="NEVER", ifVersion=1)
    assert saved["authConnection"]["version"] == 2
    assert (await delete(world, ifVersion=2))["deletedName"] == "corp"


async def test_connection_events_tell_before_after_and_why(world: World) -> None:
    await save(world, **CORP, reason="new partner")
    await save(world, allowsSignUp=False, reason="spam")
    await delete(world, reason="gone")
    told = [(each["type"], each["reason"], each["details"]) for each in await events(world)]
    first = {**CORP, "version": 1}
    second = {**first, "allowsSignUp": False, "version": 2}
    named = {"authConnection": "corp"}
    assert told == [
        ("AUTH_CONNECTION_CREATED", "new partner", {**named, "before": None, "after": first}),
        ("AUTH_CONNECTION_UPDATED", "spam", {**named, "before": first, "after": second}),
        ("AUTH_CONNECTION_DELETED", "gone", {**named, "before": second, "after": None}),
    ]
    assert {each["actor"]["id"] for each in await events(world)} == {"support@clients"}
    assert refusal(await save(world, strategy="auth0", reason="x" * 501)) == ("INVALID_INPUT", ["reason"])
    seen = await world.ask("{ logEvents(first: 1) { nodes { code details } } }", world.application_token())
    assert seen["logEvents"]["nodes"] == [{"code": "sapi", "details": told[2][2]}]


def another_process(world: World, issuers_of: Any = ()) -> tuple[Connections, Principal]:
    """Returns the service as in another process: it has its own queue, so only the database orders its writes."""
    stored = ConnectionStore(world.database)
    principal = Principal(world.tenant, "tool@clients", ActorKind.APPLICATION, frozenset(Scope))
    callers, snapshots = world.callers(), Snapshots(Records(world.database))
    return Connections(callers, Events(LocationDatabase(None)), stored, snapshots, BUILT_IN, issuers_of), principal


async def test_concurrent_connection_saves_lose_nothing(world: World) -> None:
    await save(world, strategy="custom")
    changes: list[dict[str, Any]] = [
        {"import_mode": True},
        {"allows_sign_up": True},
        {"sync_root_attributes": SyncRootAttributes.NEVER},
    ]

    async def write(given: dict[str, Any]) -> None:
        connections, principal = another_process(world)
        await connections.save(principal, "corp", given, Condition())

    await asyncio.gather(*(write(changes[number % 3]) for number in range(10)))
    saved = (await save(world))["authConnection"]
    assert (saved["importMode"], saved["allowsSignUp"], saved["syncRootAttributes"]) == (True, True, "NEVER")
    # Each change has one version and one event. The other seven requests changed nothing.
    assert saved["version"] == 4
    versions = [each["details"]["after"]["version"] for each in await events(world)]
    assert versions == [1, 2, 3, 4]


async def test_concurrent_creations_make_one_connection(world: World) -> None:
    async def write(number: int) -> None:
        connections, principal = another_process(world)
        given = (
            {"strategy": "custom", "import_mode": True} if number else {"strategy": "custom", "allows_sign_up": True}
        )
        await connections.save(principal, "corp", given, Condition())

    await asyncio.gather(*(write(number) for number in range(4)))
    saved = (await save(world))["authConnection"]
    assert (saved["importMode"], saved["allowsSignUp"], saved["version"]) == (True, True, 2)


# ---------------------------------------------------------------- login rules


async def test_login_rule_has_version_reason_and_event(world: World) -> None:
    name = BUILT_IN[0].name
    listed = await world.ask("{ loginRules { version } }", world.application_token(ALL_SCOPES))
    assert listed["loginRules"] == [{"version": 1}]
    assert (await save_rule(world, False))["loginRule"]["version"] == 1
    saved = await save_rule(world, True, ifVersion=1, reason="as agreed")
    assert saved["loginRule"] == {"name": name, "enabled": True, "version": 2}
    conflict = await save_rule(world, False, ifVersion=1)
    assert refusal(conflict) == ("VERSION_CONFLICT", ["ifVersion"])
    assert conflict["loginRule"] == {"name": name, "enabled": True, "version": 2}
    assert refusal(await save_rule(world, False, ifVersion=None)) == ("INVALID_INPUT", ["ifVersion"])
    assert (await save_rule(world, False))["loginRule"]["version"] == 3
    first, second = await events(world)
    before, after = {"enabled": False, "version": 1}, {"enabled": True, "version": 2}
    assert (first["type"], first["reason"]) == ("LOGIN_RULE_UPDATED", "as agreed")
    assert first["details"] == {"loginRule": name, "before": before, "after": after}
    assert second["details"]["after"] == {"enabled": False, "version": 3}


async def test_login_rule_without_version_has_version_one(world: World) -> None:
    await world.database["login_rules"].insert_one({"tenant": world.tenant, "name": BUILT_IN[0].name, "enabled": True})
    assert (await save_rule(world, False, ifVersion=1))["loginRule"]["version"] == 2


async def test_concurrent_login_rule_saves_write_one_event(world: World) -> None:
    async def write() -> None:
        connections, principal = another_process(world)
        await connections.enable_rule(principal, BUILT_IN[0].name, True, Condition())

    await asyncio.gather(*(write() for _ in range(5)))
    assert len(await events(world)) == 1


# ---------------------------------------------------------------- deleting


async def test_deleted_connection_disappears_immediately(world: World) -> None:
    await save(world, strategy="google-oauth2")
    tool = world.application_token(ALL_SCOPES)
    assert len((await world.ask("{ authConnections { name } }", tool))["authConnections"]) == 1
    conflict = await delete(world, ifVersion=2)
    assert (refusal(conflict), conflict["deletedName"]) == (("VERSION_CONFLICT", ["ifVersion"]), None)
    assert await delete(world) == {"deletedName": "corp", "errors": []}
    assert refusal(await delete(world)) == ("NOT_FOUND", ["name"])
    login = 'mutation { recordLogin(input: {connection: "corp", profile: {sub: "1"}}) { user { id } errors { code path } } }'
    assert refusal((await world.ask(login, tool))["recordLogin"]) == ("NOT_FOUND", ["connection"])
    # A new connection may use the name with another strategy.
    assert (await save(world, strategy="samlp"))["authConnection"]["version"] == 1


async def test_delete_connection_forgets_the_snapshot(world: World) -> None:
    await save(world, strategy="samlp")
    await world.add_connection()
    connections, principal = another_process(world)
    await connections._snapshots.connections(world.tenant)
    await connections.delete(principal, "corp", Condition())
    assert set(await connections._snapshots.connections(world.tenant)) == {DATABASE}


@pytest.mark.parametrize("strategy", ["auth0", "samlp", "google-oauth2", "sms"])
async def test_connection_with_users_is_not_deleted(world: World, strategy: str) -> None:
    await world.add_connection("corp", strategy)
    await world.add_connection("other", strategy)
    ann = await world.add_user("ann", strategy, "corp")
    refused = await delete(world)
    assert refusal(refused) == ("NOT_EDITABLE", ["name"])
    assert "has users" in refused["errors"][0]["message"]
    assert (await delete(world, "other"))["deletedName"] == "other"
    assert [each["type"] for each in await events(world)] == ["AUTH_CONNECTION_DELETED"]
    await world.database["users"].delete_one({"_id": ann.id})
    assert (await delete(world))["deletedName"] == "corp"


async def test_connection_of_a_linked_account_is_not_deleted(world: World) -> None:
    await world.add_connection()
    for name, strategy in (("corp", "samlp"), ("g", "google-oauth2")):
        await world.add_connection(name, strategy)
        await world.add_user(name, strategy, name)
        link = "mutation($input: LinkIdentityInput!) { linkIdentity(input: $input) { errors { code } } }"
        john = await world.add_user(f"john-{name}")
        input = {"userId": john.user_id, "secondary": {"userId": f"{strategy}|{name}"}}
        linked = await world.ask(link, world.application_token(ALL_SCOPES), input=input)
        assert linked["linkIdentity"]["errors"] == []
        assert refusal(await delete(world, name)) == ("NOT_EDITABLE", ["name"])


async def test_connection_that_an_issuer_names_is_not_deleted(world: World) -> None:
    await save(world, strategy="samlp")
    for issuers_of, refused in (([(world.tenant, "corp")], True), ([("another", "corp"), (world.tenant, None)], False)):
        connections, principal = another_process(world, issuers_of)
        if refused:
            with pytest.raises(Refused) as raised:
                await connections.delete(principal, "corp", Condition())
            assert raised.value.code is ErrorCode.NOT_EDITABLE
            assert "PROFILE_API_ISSUERS" in raised.value.message
        else:
            await connections.delete(principal, "corp", Condition())


async def test_users_of_other_tenants_do_not_prevent_deletion(world: World) -> None:
    elsewhere = World(f"{world.tenant}-elsewhere", world.database, world.client, world.data_dir)
    for each in (world, elsewhere):
        await each.add_connection("corp", "samlp")
    await elsewhere.add_user("ann", "samlp", "corp")
    assert (await delete(world))["deletedName"] == "corp"
    assert refusal(await delete(elsewhere)) == ("NOT_EDITABLE", ["name"])


async def deletion(world: World) -> bool:
    stored = ConnectionStore(world.database)
    connection = await stored.find(world.tenant, "corp")
    assert connection
    principal = another_process(world)[1]
    event = Events(LocationDatabase(None)).of_tenant(
        principal, LogEventType.AUTH_CONNECTION_DELETED, {}, None, None, None
    )
    try:
        await stored.delete(connection, event)
    except Conflict:
        return False
    return True


async def new_user(world: World) -> User:
    """Returns a user that is not stored."""
    user = await world.add_user("ann", "samlp", "corp")
    await world.database["users"].delete_one({"_id": user.id})
    return user


async def test_delete_connection_waits_for_a_user_in_creation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deletion waits for each of the guards that a new user can use."""
    await world.add_connection("corp", "samlp")
    user = await new_user(world)
    for guard in range(GUARDS):
        monkeypatch.setattr("app.store.connections.random.randrange", lambda _, guard=guard: guard)
        async with world.database.transaction() as session:
            await guard_connection(world.database, session, world.tenant, "corp")
            await world.database["users"].insert_one(to_document(user), session=session)
            # The deletion runs in another transaction, which does not see the user yet. It must not commit.
            assert await deletion(world) is False
        with pytest.raises(Taken):
            await deletion(world)
        await world.database["users"].delete_one({"_id": user.id})
    assert await deletion(world) is True


async def test_user_is_not_created_in_a_deleted_connection(world: World) -> None:
    """A login can read the connection before it is deleted, and write the user after that."""
    await world.add_connection("corp", "samlp")
    user = await new_user(world)
    assert await deletion(world)
    event = (await events(world))[0]
    with pytest.raises(Refused) as raised:
        await world.writes().execute(Commit((ProfileWrite(None, user),), (event,)))  # type: ignore[arg-type]
    assert (raised.value.code, raised.value.path) == (ErrorCode.NOT_FOUND, ("connection",))
    assert await world.database["users"].count_documents({"tenant": world.tenant}) == 0


async def test_concurrent_login_and_deletion_leave_no_orphan(world: World) -> None:
    login = (
        'mutation($sub: String!) { recordLogin(input: {connection: "corp", profile: {sub: $sub}}) { errors { code } } }'
    )
    tool = world.application_token(ALL_SCOPES)
    for round in range(5):
        await save(world, strategy="oidc")
        logins = [world.ask(login, tool, sub=f"{round}-{number}") for number in range(3)]
        *_, deleted = await asyncio.gather(*logins, delete(world))
        found = {"tenant": world.tenant, "identities.connection": "corp"}
        users = await world.database["users"].count_documents(found)
        assert (deleted["deletedName"] is None) == (users > 0), round
        await world.database["users"].delete_many(found)
