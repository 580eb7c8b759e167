"""Authorization that the matrix does not test: recent sign-ins, other inputs, and fields that need no scope."""

import time
from typing import Any

import pytest

from app.domain.users import Identity
from app.store.database import new_id
from tests.schema.matrix.callers import APPLICATION, OTHER, SCOPE_SETS, SELF, Caller, Tenants, may
from tests.schema.matrix.mutations import ALL_MUTATIONS
from tests.schema.matrix.table import RECENT_SIGN_IN
from tests.world import ALL_SCOPES, DATABASE, World, codes

# changePassword also accepts the current password.
NEEDS_RECENT_SIGN_IN = {*RECENT_SIGN_IN, "changePassword"}
# The mutations that change the profile of John.
ABOUT_SELF = [name for name, each in ALL_MUTATIONS.items() if '"auth0|john"' in each]
TOO_OLD = "INSUFFICIENT_USER_AUTHENTICATION"


@pytest.mark.parametrize("name", ABOUT_SELF)
async def test_recent_sign_in_is_required_as_in_the_table(world: World, name: str) -> None:
    await world.add_connection()
    await world.add_role("Editor")
    second = Identity(provider="google-oauth2", connection="g", user_id="g1", is_social=True, origin=new_id())
    first = Identity(provider="auth0", connection=DATABASE, user_id="john")
    await world.add_user("john", username="johnny", identities=(first, second))
    await world.add_user("jane")
    mutation = ALL_MUTATIONS[name]
    if name == "changePassword":
        mutation = mutation.replace(", ifVersion: 99999999", "")
    old = {"auth_time": time.time() - 301}
    john, jane = (world.token_with(f"auth0|{each}", ALL_SCOPES, **old) for each in ("john", "jane"))
    assert (TOO_OLD in codes(await world.post(mutation, john))) is (name in NEEDS_RECENT_SIGN_IN)
    # For callers who act on another profile, the age of the sign-in makes no difference.
    for token in (jane, world.application_token(ALL_SCOPES)):
        assert TOO_OLD not in codes(await world.post(mutation, token))


def test_each_mutation_with_a_recent_sign_in_is_tested() -> None:
    assert set(ABOUT_SELF) >= NEEDS_RECENT_SIGN_IN


async def test_current_password_replaces_a_recent_sign_in(world: World) -> None:
    await world.add_connection()
    await world.add_user("john")
    old = world.token_with("auth0|john", auth_time=time.time() - 301)
    mutation = 'mutation { changePassword(input: {newPassword: "correct horse battery", currentPassword: "x"}) { errors { path } } }'
    told = await world.ask(mutation, old)
    assert told["changePassword"]["errors"] == [{"path": ["currentPassword"]}]


UPDATES: dict[str, dict[str, Any]] = {
    "updateUserMetadata": {"userMetadata": {"a": 1}},
    "updateAppMetadata": {"appMetadata": {"a": 1}},
    "updateRootAttributes": {"rootAttributes": {"name": "N"}},
}


async def test_batch_needs_the_scopes_of_the_single_mutations(tenants: Tenants) -> None:
    query = "mutation($updates: [UpdateUserInput!]!) { updateUsers(input: {updates: $updates}) { results { errors { code } } } }"
    # The version is outdated, so that allowed updates write nothing.
    updates = [{"userId": "auth0|john", "update": each, "ifVersion": 99} for each in UPDATES.values()]
    callers: tuple[Caller, ...] = (SELF, OTHER, APPLICATION)
    wrong = []
    for caller in callers:
        for scopes in SCOPE_SETS:
            told = await tenants.world.ask(query, tenants.token(caller, scopes), updates=updates)
            found = [[error["code"] for error in each["errors"]] for each in told["updateUsers"]["results"]]
            allowed = [may(f"Mutation.{name}", caller, scopes) for name in UPDATES]
            if found != [["VERSION_CONFLICT" if each else "FORBIDDEN"] for each in allowed]:
                wrong.append((caller.name, sorted(scopes), found))
    assert wrong == []


@pytest.mark.parametrize("scopes", [["create:users"], ["create:users", "update:users"]])
@pytest.mark.parametrize("is_user", [False, True])
async def test_app_metadata_of_a_new_user_needs_its_own_scope(world: World, scopes: list[str], is_user: bool) -> None:
    await world.add_connection()
    jane = await world.add_user("jane")
    create = f'mutation {{ createUser(input: {{connection: "{DATABASE}", username: "u", appMetadata: {{a: 1}}}}) {{ errors {{ code }} }} }}'

    def token(scopes: list[str]) -> str:
        return world.user_token(jane, scopes) if is_user else world.application_token(scopes)

    assert codes(await world.post(create, token(scopes))) == ["FORBIDDEN"]
    assert await world.database["users"].count_documents({"tenant": world.tenant}) == 1
    told = await world.ask(create, token([*scopes, "update:users_app_metadata"]))
    assert told["createUser"]["errors"] == []


@pytest.mark.parametrize("is_user", [False, True])
async def test_caller_is_readable_with_every_token(world: World, is_user: bool) -> None:
    await world.add_connection()
    john = await world.add_user("john")
    token = world.user_token(john, []) if is_user else world.application_token([])
    told = await world.ask("{ caller { kind tenant scopes } rateLimit { limit } }", token)
    assert told["caller"] == {"kind": "USER" if is_user else "APPLICATION", "tenant": world.tenant, "scopes": []}
    # A caller who gets a user in a payload may read viewerActions, even without a scope for reading.
    only_write = ["update:current_user_metadata"] if is_user else ["update:users"]
    token = world.user_token(john, only_write) if is_user else world.application_token(only_write)
    write = 'mutation { updateUserMetadata(input: {userId: "auth0|john", patch: {a: 1}}) { user { viewerActions { name allowed } } } }'
    actions = (await world.ask(write, token))["updateUserMetadata"]["user"]["viewerActions"]
    assert {each["name"] for each in actions if each["allowed"]} >= {"EDIT_USER_METADATA"}
    for query in ("{ caller { kind } }", "{ rateLimit { limit } }"):
        assert codes(await world.post(query)) == ["UNAUTHENTICATED"]
