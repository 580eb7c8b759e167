"""Linking, unlinking and logins by users with every scope: no way to their own app_metadata, roles and permissions."""

from collections.abc import Mapping
from typing import Any

import pytest

from app.domain.login_rules import LoginRule
from app.services.login_rules import LoginRules
from tests.schema.operations.identities import LINK_IDENTITY, UNLINK_IDENTITY, TwoAccounts
from tests.world import ALL_SCOPES, DATABASE, World, codes

JOHN, GOOGLE, PUPPET = "auth0|john", "google-oauth2|g1", "auth0|puppet"
ACCESS: dict[str, Any] = {"app_metadata": {"admin": True}, "permissions": [{"name": "all", "api": "q"}]}
TELL = """userId version raw appMetadata roles { name } permissions { name } devices { nodes { deviceId } }
  logEvents(first: 100) { nodes { type reason userId changes { path } } }
  viewerActions { name allowed code missingScopes } identities { id }"""


async def documents(world: World) -> list[Any]:
    users: list[Any] = await world.database["users"].find({"tenant": world.tenant}).sort("_id").to_list(None)
    return users


async def stored(world: World, user_id: str) -> Any:
    return await world.database["users"].find_one({"tenant": world.tenant, "user_id": user_id})


async def access(world: World, user_id: str) -> tuple[Any, ...]:
    """What users never write on themselves."""
    found = await stored(world, user_id)
    return tuple(found.get(name) for name in ("app_metadata", "role_ids", "permissions", "blocked"))


async def add_puppet(accounts: TwoAccounts) -> None:
    editor = await accounts.world.database["roles"].find_one({"tenant": accounts.world.tenant, "name": "Editor"})
    await accounts.world.add_user("puppet", role_ids=(editor["_id"],), **ACCESS)


async def seen(accounts: TwoAccounts, query: str, token: str, **variables: Any) -> Any:
    """Data without what may change from one moment to the next, and the paths of what was refused."""
    answer = (await accounts.world.post(query, token, **variables)).json()
    return answer["data"], [each["path"] for each in answer.get("errors", [])]


@pytest.mark.parametrize("how", ["KEEP_PRIMARY", "MERGE", "PREFER_SECONDARY"])
@pytest.mark.parametrize(
    ("caller", "named", "is_linked"),
    [
        (JOHN, {"userId": JOHN}, False),
        (JOHN, {"userId": JOHN}, True),
        (JOHN, {"userId": GOOGLE}, True),
        (GOOGLE, {"userId": JOHN}, True),
        (GOOGLE, {"userId": GOOGLE}, True),
        (GOOGLE, {"token": JOHN}, True),
        (JOHN, {"token": GOOGLE}, True),
    ],
)
async def test_link_rejects_callers_own_profile_as_secondary(
    accounts: TwoAccounts, caller: str, named: Mapping[str, str], is_linked: bool, how: str
) -> None:
    await add_puppet(accounts)
    if is_linked:
        await accounts.link()
    before = await documents(accounts.world)
    secondary = {name: accounts.world.user_token(each) if name == "token" else each for name, each in named.items()}
    input = {"userId": PUPPET, "secondary": secondary, "metadata": how}
    answer = (
        await accounts.world.post(LINK_IDENTITY, accounts.world.user_token(caller, ALL_SCOPES), input=input)
    ).json()
    assert answer["data"] == {"linkIdentity": None}
    assert answer["errors"][0]["extensions"] == {"code": "FORBIDDEN", "scopes": []}
    assert await documents(accounts.world) == before


@pytest.mark.parametrize("how", ["KEEP_PRIMARY", "MERGE", "PREFER_SECONDARY"])
async def test_link_brings_no_access_to_the_callers_profile(accounts: TwoAccounts, how: str) -> None:
    await add_puppet(accounts)
    before = await access(accounts.world, JOHN)
    token = accounts.world.user_token(JOHN, ALL_SCOPES)
    query = "mutation($input: LinkIdentityInput!) { linkIdentity(input: $input) { errors { code } } }"
    input = {"secondary": {"userId": PUPPET}, "metadata": how}
    told = await accounts.world.ask(query, token, input=input)
    assert told["linkIdentity"]["errors"] == [{"code": "INVALID_INPUT"}]
    input["secondary"] = {"token": accounts.world.user_token(PUPPET)}
    assert (await accounts.world.ask(query, token, input=input))["linkIdentity"]["errors"] == []
    assert await access(accounts.world, JOHN) == before


async def test_link_shares_access_for_an_uninvolved_user(accounts: TwoAccounts) -> None:
    await add_puppet(accounts)
    await accounts.world.add_user("admin")
    token = accounts.world.user_token("auth0|admin", ALL_SCOPES)
    linked = await accounts.link(token, secondary={"userId": PUPPET}, metadata="MERGE")
    assert linked["user"]["appMetadata"] == {"plan": "free", "admin": True}


@pytest.mark.parametrize("as_secondary", [False, True], ids=["as the primary", "as the secondary"])
async def test_link_and_unlink_leave_access_as_it_was(accounts: TwoAccounts, as_secondary: bool) -> None:
    before = [await access(accounts.world, each) for each in (JOHN, GOOGLE)]
    input = {"secondary": {"token": accounts.world.user_token(GOOGLE)}, "metadata": "MERGE"}
    linked = await seen(accounts, LINK_IDENTITY, accounts.world.user_token(JOHN, ALL_SCOPES), input=input)
    identity = linked[0]["linkIdentity"]["user"]["identities"][1]["id"]
    token = accounts.world.user_token(GOOGLE if as_secondary else JOHN)
    query = "mutation($input: UnlinkIdentityInput!) { unlinkIdentity(input: $input) { errors { code } } }"
    assert (await accounts.world.ask(query, token, input={"identityId": identity}))["unlinkIdentity"]["errors"] == []
    assert [await access(accounts.world, each) for each in (JOHN, GOOGLE)] == before


async def test_unlink_gives_back_nothing_taken_meanwhile(accounts: TwoAccounts) -> None:
    world = accounts.world
    both = {"app_metadata": {"plan": "pro", "beta": {"a": True, "b": True}}, "permissions": [{"name": "p", "api": "q"}]}
    await world.database["users"].update_many({"tenant": world.tenant}, {"$set": both})
    own = world.user_token(JOHN, ALL_SCOPES)
    [data, _] = await seen(accounts, LINK_IDENTITY, own, input={"secondary": {"token": world.user_token(GOOGLE)}})
    identity = data["linkIdentity"]["user"]["identities"][1]["id"]
    for change in (
        'updateAppMetadata(input: {userId: "auth0|john", patch: {beta: {a: null}, plan: "free"}})',
        'unassignRoles(input: {userId: "auth0|john", roleIds: ["rol_customer"]})',
        'revokePermissions(input: {userId: "auth0|john", permissions: [{name: "p", api: "q"}]})',
    ):
        await world.ask(f"mutation {{ {change} {{ errors {{ code }} }} }}", accounts.application)
    await seen(accounts, UNLINK_IDENTITY, own, input={"identityId": identity})
    given_back = await accounts.user(GOOGLE)
    assert given_back["appMetadata"] == {"beta": {"b": True}}
    assert (given_back["roles"], given_back["permissions"]) == ([], [])


# ---------------------------------------------------------------- the answer has the rights after the write


async def linked_and_viewer(accounts: TwoAccounts, scopes: Any) -> tuple[Any, Any, str]:
    await accounts.world.ask(
        f'mutation {{ updateAppMetadata(input: {{userId: "{GOOGLE}", patch: {{secret: 1}}, reason: "r"}}) {{ errors {{ code }} }} }}',
        accounts.application,
    )
    token = accounts.world.user_token(JOHN, scopes)
    query = f"mutation($input: LinkIdentityInput!) {{ linkIdentity(input: $input) {{ user {{ {TELL} }} errors {{ code }} }} }}"
    data, refused = await seen(
        accounts, query, token, input={"secondary": {"token": accounts.world.user_token(GOOGLE)}}
    )
    viewer, refused_then = await seen(accounts, f"{{ viewer {{ {TELL} }} }}", token)
    assert [each[2:] for each in refused] == [each[1:] for each in refused_then]
    return data["linkIdentity"]["user"], viewer["viewer"], token


@pytest.mark.parametrize("scopes", [ALL_SCOPES, ["read:current_user", "update:current_user_identities"]])
async def test_the_answer_of_a_link_is_what_the_viewer_sees(accounts: TwoAccounts, scopes: Any) -> None:
    told, viewer, _ = await linked_and_viewer(accounts, scopes)
    assert told == viewer
    types = [each["type"] for each in told["logEvents"]["nodes"]]
    assert "IDENTITY_LINKED" in types
    assert "APP_METADATA_UPDATED" not in types
    assert {each["deviceId"] for each in told["devices"]["nodes"]} == {"desktop", "phone"}


@pytest.mark.parametrize("scopes", [ALL_SCOPES, ["read:current_user", "update:current_user_identities"]])
async def test_the_answer_of_an_unlink_is_what_the_viewer_sees(accounts: TwoAccounts, scopes: Any) -> None:
    linked, _, token = await linked_and_viewer(accounts, scopes)
    query = f"mutation($input: UnlinkIdentityInput!) {{ unlinkIdentity(input: $input) {{ user {{ {TELL} }} errors {{ code }} }} }}"
    data, refused = await seen(accounts, query, token, input={"identityId": linked["identities"][1]["id"]})
    viewer, refused_then = await seen(accounts, f"{{ viewer {{ {TELL} }} }}", token)
    assert data["unlinkIdentity"]["user"] == viewer["viewer"]
    assert [each[2:] for each in refused] == [each[1:] for each in refused_then]
    assert {each["deviceId"] for each in viewer["viewer"]["devices"]["nodes"]} == {"desktop"}


async def test_a_fragment_before_a_link_keeps_no_rights(accounts: TwoAccounts) -> None:
    await accounts.world.ask(
        f'mutation {{ updateAppMetadata(input: {{userId: "{GOOGLE}", patch: {{secret: 1}}}}) {{ errors {{ code }} }} }}',
        accounts.application,
    )
    query = """mutation($proof: String!) {
      a: updateUserMetadata(input: {patch: {x: 1}}) { user { ...F } errors { code } }
      b: linkIdentity(input: {secondary: {token: $proof}}) { user { ...F } errors { code } } }
    fragment F on User { logEvents(first: 100) { nodes { type userId } } }"""
    token = accounts.world.user_token(JOHN, ALL_SCOPES)
    told = await accounts.world.ask(query, token, proof=accounts.world.user_token(GOOGLE))
    events = told["b"]["user"]["logEvents"]["nodes"]
    assert GOOGLE in [each["userId"] for each in events]
    assert "APP_METADATA_UPDATED" not in [each["type"] for each in events]


async def test_a_caller_who_unlinks_themselves_is_the_other_account(accounts: TwoAccounts) -> None:
    linked = await accounts.link()
    identity = linked["user"]["identities"][1]["id"]
    query = f"""mutation {{
      a: unlinkIdentity(input: {{identityId: "{identity}"}}) {{ user {{ userId name userMetadata }} errors {{ code }} }}
      b: updateUserMetadata(input: {{patch: {{mine: 1}}}}) {{ user {{ userId }} errors {{ code }} }}
      c: updateUserMetadata(input: {{userId: "{JOHN}", patch: {{mine: 1}}}}) {{ errors {{ code }} }} }}"""
    answer = (await accounts.world.post(query, accounts.world.user_token(GOOGLE))).json()
    # The profile that the account left is another's by now.
    assert answer["data"]["a"] == {"user": {"userId": JOHN, "name": None, "userMetadata": None}, "errors": []}
    assert answer["data"]["b"] == {"user": {"userId": GOOGLE}, "errors": []}
    assert answer["data"]["c"] is None
    refused = {".".join(each["path"]): each["extensions"]["code"] for each in answer["errors"]}
    assert refused == dict.fromkeys(("a.user.name", "a.user.userMetadata", "c"), "FORBIDDEN")


# ---------------------------------------------------------------- profiles that come and go within a request


RECORD = f'recordLogin(input: {{connection: "{DATABASE}", profile: {{user_id: "new"}}}}) {{ user {{ userId appMetadata }} errors {{ code }} }}'
SET = 'updateAppMetadata(input: {userId: "auth0|new", patch: {admin: true}}) { errors { code } }'


@pytest.mark.parametrize("exists", [False, True], ids=["created", "deleted and created"])
async def test_app_metadata_of_a_profile_made_meanwhile_is_refused(world: World, exists: bool) -> None:
    await world.add_connection()
    delete = ""
    if exists:
        await world.add_user("new")
        delete = 'a: deleteUser(input: {userId: "auth0|new"}) { errors { code } }'
    token = world.user_token("auth0|new", ALL_SCOPES)
    answer = (await world.post(f"mutation {{ {delete} b: {RECORD} c: {SET} }}", token)).json()
    assert answer["data"]["b"] == {"user": {"userId": "auth0|new", "appMetadata": None}, "errors": []}
    assert answer["data"]["c"] is None
    refused = {".".join(each["path"]): each["extensions"]["code"] for each in answer["errors"]}
    assert refused == dict.fromkeys(("b.user.appMetadata", "c"), "FORBIDDEN")
    assert "app_metadata" not in await stored(world, "auth0|new")


@pytest.fixture
def ruled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A login rule that takes app_metadata from what the provider sent."""

    async def enabled(self: LoginRules, tenant: str) -> list[LoginRule]:
        return [LoginRule("copy", "Copy", lambda user, login: {"app_metadata": {"from": str(login.claims.name)}})]

    monkeypatch.setattr(LoginRules, "enabled", enabled)


@pytest.mark.usefixtures("ruled")
@pytest.mark.parametrize("exists", [False, True], ids=["first login", "next login"])
async def test_a_login_rule_sets_no_app_metadata_for_its_reporter(world: World, exists: bool) -> None:
    await world.add_connection()
    if exists:
        await world.add_user("new")
    before = await documents(world)
    record = f'mutation {{ recordLogin(input: {{connection: "{DATABASE}", profile: {{user_id: "new", name: "N"}}}}) {{ errors {{ code }} }} }}'
    assert codes(await world.post(record, world.user_token("auth0|new", ALL_SCOPES))) == ["FORBIDDEN"]
    assert await documents(world) == before
    await world.add_user("jane")
    for token in (world.user_token("auth0|jane", ALL_SCOPES), world.application_token(ALL_SCOPES)):
        assert (await world.ask(record, token))["recordLogin"]["errors"] == []
    assert (await stored(world, "auth0|new"))["app_metadata"] == {"from": "N"}
    # What changes nothing is no write of it.
    assert (await world.ask(record, world.user_token("auth0|new", ALL_SCOPES)))["recordLogin"]["errors"] == []
