"""Users with every scope cannot change their own app_metadata, roles and permissions by linking, unlinking or logins."""

from collections.abc import Mapping
from typing import Any

import pytest

from app.domain.login_rules import LoginRule
from app.services.login_rules import LoginRules
from tests.schema.operations.identities import LINK_IDENTITY, UNLINK_IDENTITY, TwoAccounts
from tests.world import ALL_SCOPES, DATABASE, World, codes

JOHN, GOOGLE = "auth0|john", "google-oauth2|g1"
# An account with a role, a permission and app_metadata that John does not have.
PRIVILEGED = "auth0|privileged"
ACCESS: dict[str, Any] = {"app_metadata": {"admin": True}, "permissions": [{"name": "all", "api": "q"}]}
USER_FIELDS = """userId version raw appMetadata roles { name } permissions { name } devices { nodes { deviceId } }
  logEvents(first: 100) { nodes { type reason userId changes { path } } }
  viewerActions { name allowed code missingScopes } identities { id }"""


async def documents(world: World) -> list[Any]:
    users: list[Any] = await world.database["users"].find({"tenant": world.tenant}).sort("_id").to_list(None)
    return users


async def stored(world: World, user_id: str) -> Any:
    return await world.database["users"].find_one({"tenant": world.tenant, "user_id": user_id})


async def access(world: World, user_id: str) -> tuple[Any, ...]:
    """Returns the stored values that users must never change on their own profile."""
    found = await stored(world, user_id)
    return tuple(found.get(name) for name in ("app_metadata", "role_ids", "permissions", "blocked"))


async def add_privileged_account(accounts: TwoAccounts) -> None:
    editor = await accounts.world.database["roles"].find_one({"tenant": accounts.world.tenant, "name": "Editor"})
    await accounts.world.add_user("privileged", role_ids=(editor["_id"],), **ACCESS)


async def data_and_error_paths(accounts: TwoAccounts, query: str, token: str, **variables: Any) -> Any:
    """Returns the data of the answer, and the path of each error."""
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
    await add_privileged_account(accounts)
    if is_linked:
        await accounts.link()
    before = await documents(accounts.world)
    secondary = {name: accounts.world.user_token(each) if name == "token" else each for name, each in named.items()}
    input = {"userId": PRIVILEGED, "secondary": secondary, "metadata": how}
    answer = (
        await accounts.world.post(LINK_IDENTITY, accounts.world.user_token(caller, ALL_SCOPES), input=input)
    ).json()
    assert answer["data"] == {"linkIdentity": None}
    assert answer["errors"][0]["extensions"] == {"code": "FORBIDDEN", "scopes": []}
    assert await documents(accounts.world) == before


@pytest.mark.parametrize("how", ["KEEP_PRIMARY", "MERGE", "PREFER_SECONDARY"])
async def test_link_adds_no_access_to_callers_own_profile(accounts: TwoAccounts, how: str) -> None:
    await add_privileged_account(accounts)
    before = await access(accounts.world, JOHN)
    token = accounts.world.user_token(JOHN, ALL_SCOPES)
    query = "mutation($input: LinkIdentityInput!) { linkIdentity(input: $input) { errors { code } } }"
    input = {"secondary": {"userId": PRIVILEGED}, "metadata": how}
    without_proof = await accounts.world.ask(query, token, input=input)
    assert without_proof["linkIdentity"]["errors"] == [{"code": "INVALID_INPUT"}]
    input["secondary"] = {"token": accounts.world.user_token(PRIVILEGED)}
    assert (await accounts.world.ask(query, token, input=input))["linkIdentity"]["errors"] == []
    assert await access(accounts.world, JOHN) == before


async def test_link_of_two_other_accounts_by_a_user_merges_access(accounts: TwoAccounts) -> None:
    await add_privileged_account(accounts)
    await accounts.world.add_user("admin")
    token = accounts.world.user_token("auth0|admin", ALL_SCOPES)
    linked = await accounts.link(token, secondary={"userId": PRIVILEGED}, metadata="MERGE")
    assert linked["user"]["appMetadata"] == {"plan": "free", "admin": True}


@pytest.mark.parametrize("as_secondary", [False, True], ids=["as the primary", "as the secondary"])
async def test_link_and_unlink_do_not_change_access(accounts: TwoAccounts, as_secondary: bool) -> None:
    before = [await access(accounts.world, each) for each in (JOHN, GOOGLE)]
    input = {"secondary": {"token": accounts.world.user_token(GOOGLE)}, "metadata": "MERGE"}
    linked = await data_and_error_paths(
        accounts, LINK_IDENTITY, accounts.world.user_token(JOHN, ALL_SCOPES), input=input
    )
    identity = linked[0]["linkIdentity"]["user"]["identities"][1]["id"]
    token = accounts.world.user_token(GOOGLE if as_secondary else JOHN)
    query = "mutation($input: UnlinkIdentityInput!) { unlinkIdentity(input: $input) { errors { code } } }"
    assert (await accounts.world.ask(query, token, input={"identityId": identity}))["unlinkIdentity"]["errors"] == []
    assert [await access(accounts.world, each) for each in (JOHN, GOOGLE)] == before


async def test_unlinked_account_lacks_access_removed_while_linked(accounts: TwoAccounts) -> None:
    world = accounts.world
    both = {"app_metadata": {"plan": "pro", "beta": {"a": True, "b": True}}, "permissions": [{"name": "p", "api": "q"}]}
    await world.database["users"].update_many({"tenant": world.tenant}, {"$set": both})
    own = world.user_token(JOHN, ALL_SCOPES)
    [data, _] = await data_and_error_paths(
        accounts, LINK_IDENTITY, own, input={"secondary": {"token": world.user_token(GOOGLE)}}
    )
    identity = data["linkIdentity"]["user"]["identities"][1]["id"]
    for change in (
        'updateAppMetadata(input: {userId: "auth0|john", patch: {beta: {a: null}, plan: "free"}})',
        'unassignRoles(input: {userId: "auth0|john", roleIds: ["rol_customer"]})',
        'revokePermissions(input: {userId: "auth0|john", permissions: [{name: "p", api: "q"}]})',
    ):
        await world.ask(f"mutation {{ {change} {{ errors {{ code }} }} }}", accounts.application)
    await data_and_error_paths(accounts, UNLINK_IDENTITY, own, input={"identityId": identity})
    unlinked = await accounts.user(GOOGLE)
    assert unlinked["appMetadata"] == {"beta": {"b": True}}
    assert (unlinked["roles"], unlinked["permissions"]) == ([], [])


# ---------------------------------------------------------------- the answer is read with the rights after the write


async def linked_and_viewer(accounts: TwoAccounts, scopes: Any) -> tuple[Any, Any, str]:
    await accounts.world.ask(
        f'mutation {{ updateAppMetadata(input: {{userId: "{GOOGLE}", patch: {{secret: 1}}, reason: "r"}}) {{ errors {{ code }} }} }}',
        accounts.application,
    )
    token = accounts.world.user_token(JOHN, scopes)
    query = f"mutation($input: LinkIdentityInput!) {{ linkIdentity(input: $input) {{ user {{ {USER_FIELDS} }} errors {{ code }} }} }}"
    data, refused = await data_and_error_paths(
        accounts, query, token, input={"secondary": {"token": accounts.world.user_token(GOOGLE)}}
    )
    viewer, viewer_errors = await data_and_error_paths(accounts, f"{{ viewer {{ {USER_FIELDS} }} }}", token)
    assert [each[2:] for each in refused] == [each[1:] for each in viewer_errors]
    return data["linkIdentity"]["user"], viewer["viewer"], token


@pytest.mark.parametrize("scopes", [ALL_SCOPES, ["read:current_user", "update:current_user_identities"]])
async def test_link_returns_the_same_profile_as_viewer(accounts: TwoAccounts, scopes: Any) -> None:
    linked, viewer, _ = await linked_and_viewer(accounts, scopes)
    assert linked == viewer
    types = [each["type"] for each in linked["logEvents"]["nodes"]]
    assert "IDENTITY_LINKED" in types
    assert "APP_METADATA_UPDATED" not in types
    assert {each["deviceId"] for each in linked["devices"]["nodes"]} == {"desktop", "phone"}


@pytest.mark.parametrize("scopes", [ALL_SCOPES, ["read:current_user", "update:current_user_identities"]])
async def test_unlink_returns_the_same_profile_as_viewer(accounts: TwoAccounts, scopes: Any) -> None:
    linked, _, token = await linked_and_viewer(accounts, scopes)
    query = f"mutation($input: UnlinkIdentityInput!) {{ unlinkIdentity(input: $input) {{ user {{ {USER_FIELDS} }} errors {{ code }} }} }}"
    data, refused = await data_and_error_paths(
        accounts, query, token, input={"identityId": linked["identities"][1]["id"]}
    )
    viewer, viewer_errors = await data_and_error_paths(accounts, f"{{ viewer {{ {USER_FIELDS} }} }}", token)
    assert data["unlinkIdentity"]["user"] == viewer["viewer"]
    assert [each[2:] for each in refused] == [each[1:] for each in viewer_errors]
    assert {each["deviceId"] for each in viewer["viewer"]["devices"]["nodes"]} == {"desktop"}


async def test_fragment_used_before_and_after_link_has_new_rights(accounts: TwoAccounts) -> None:
    await accounts.world.ask(
        f'mutation {{ updateAppMetadata(input: {{userId: "{GOOGLE}", patch: {{secret: 1}}}}) {{ errors {{ code }} }} }}',
        accounts.application,
    )
    query = """mutation($proof: String!) {
      a: updateUserMetadata(input: {patch: {x: 1}}) { user { ...F } errors { code } }
      b: linkIdentity(input: {secondary: {token: $proof}}) { user { ...F } errors { code } } }
    fragment F on User { logEvents(first: 100) { nodes { type userId } } }"""
    token = accounts.world.user_token(JOHN, ALL_SCOPES)
    answer = await accounts.world.ask(query, token, proof=accounts.world.user_token(GOOGLE))
    events = answer["b"]["user"]["logEvents"]["nodes"]
    assert GOOGLE in [each["userId"] for each in events]
    assert "APP_METADATA_UPDATED" not in [each["type"] for each in events]


async def test_caller_who_unlinks_their_account_loses_old_profile(accounts: TwoAccounts) -> None:
    linked = await accounts.link()
    identity = linked["user"]["identities"][1]["id"]
    query = f"""mutation {{
      a: unlinkIdentity(input: {{identityId: "{identity}"}}) {{ user {{ userId name userMetadata }} errors {{ code }} }}
      b: updateUserMetadata(input: {{patch: {{mine: 1}}}}) {{ user {{ userId }} errors {{ code }} }}
      c: updateUserMetadata(input: {{userId: "{JOHN}", patch: {{mine: 1}}}}) {{ errors {{ code }} }} }}"""
    answer = (await accounts.world.post(query, accounts.world.user_token(GOOGLE))).json()
    # After the unlinking, the caller is GOOGLE, and the profile JOHN belongs to another user.
    assert answer["data"]["a"] == {"user": {"userId": JOHN, "name": None, "userMetadata": None}, "errors": []}
    assert answer["data"]["b"] == {"user": {"userId": GOOGLE}, "errors": []}
    assert answer["data"]["c"] is None
    refused = {".".join(each["path"]): each["extensions"]["code"] for each in answer["errors"]}
    assert refused == dict.fromkeys(("a.user.name", "a.user.userMetadata", "c"), "FORBIDDEN")


# ---------------------------------------------------------------- profiles that are created or deleted within one request


RECORD = f'recordLogin(input: {{connection: "{DATABASE}", profile: {{user_id: "new"}}}}) {{ user {{ userId appMetadata }} errors {{ code }} }}'
SET = 'updateAppMetadata(input: {userId: "auth0|new", patch: {admin: true}}) { errors { code } }'


@pytest.mark.parametrize("exists", [False, True], ids=["created", "deleted and created"])
async def test_own_app_metadata_is_refused_for_a_profile_just_created(world: World, exists: bool) -> None:
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
def copying_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enables a login rule that copies the name from the provider to app_metadata."""

    async def enabled(self: LoginRules, tenant: str) -> list[LoginRule]:
        return [LoginRule("copy", "Copy", lambda user, login: {"app_metadata": {"from": str(login.claims.name)}})]

    monkeypatch.setattr(LoginRules, "enabled", enabled)


@pytest.mark.usefixtures("copying_rule")
@pytest.mark.parametrize("exists", [False, True], ids=["first login", "next login"])
async def test_login_rule_cannot_set_the_callers_own_app_metadata(world: World, exists: bool) -> None:
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
    # The same login again changes no app_metadata, so it is allowed.
    assert (await world.ask(record, world.user_token("auth0|new", ALL_SCOPES)))["recordLogin"]["errors"] == []
