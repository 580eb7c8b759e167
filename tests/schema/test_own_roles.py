"""Users with every scope cannot change or delete the roles that they have. Other users and applications can."""

from typing import Any

import pytest

from app.services.roles import Roles
from tests.schema.operations.identities import TwoAccounts
from tests.world import ALL_SCOPES, World, codes

CHANGES = [
    'updateRole(input: {%s, permissions: [{api: "a", name: "all"}]})',
    "updateRole(input: {%s, permissions: []})",
    'updateRole(input: {%s, name: "Admin"})',
    "deleteRole(input: {%s})",
]


def changing(change: str, role_id: str = "rol_editor") -> str:
    named = f'roleId: "{role_id}"'
    return f"mutation {{ {change % named} {{ errors {{ code }} }} }}"


async def with_role(world: World) -> Any:
    """Adds the role Editor with one permission."""
    return await world.add_role("Editor", [{"api": "a", "name": "edit"}])


async def role_of(world: World) -> Any:
    return await world.database["roles"].find_one({"tenant": world.tenant, "role_id": "rol_editor"})


async def assert_forbidden(world: World, change: str, token: str) -> None:
    before = await role_of(world)
    answer = (await world.post(changing(change), token)).json()
    assert list(answer["data"].values()) == [None]
    assert answer["errors"][0]["extensions"] == {"code": "FORBIDDEN", "scopes": []}
    assert await role_of(world) == before


@pytest.mark.parametrize("change", CHANGES)
async def test_users_cannot_change_a_role_that_they_have(world: World, change: str) -> None:
    john = await world.add_user("john", role_ids=(await with_role(world),))
    await assert_forbidden(world, change, world.user_token(john, ALL_SCOPES))


@pytest.mark.parametrize("caller", ["auth0|john", "google-oauth2|g1"])
@pytest.mark.parametrize("change", CHANGES)
async def test_users_cannot_change_a_role_of_a_linked_account(accounts: TwoAccounts, change: str, caller: str) -> None:
    """John does not have the role Editor. His Google account has it, and has it again after it is unlinked."""
    edit = {"$set": {"permissions": [{"api": "a", "name": "edit"}]}}
    await accounts.world.database["roles"].update_one({"tenant": accounts.world.tenant, "name": "Editor"}, edit)
    token = accounts.world.user_token("auth0|john", ALL_SCOPES)
    input = {"secondary": {"token": accounts.world.user_token("google-oauth2|g1")}}
    link = "mutation($input: LinkIdentityInput!) { linkIdentity(input: $input) { errors { code } } }"
    assert (await accounts.world.ask(link, token, input=input))["linkIdentity"]["errors"] == []
    await assert_forbidden(accounts.world, change, accounts.world.user_token(caller, ALL_SCOPES))


@pytest.mark.parametrize("change", CHANGES)
async def test_other_callers_can_change_the_role(world: World, change: str) -> None:
    await world.add_user("john", role_ids=(await with_role(world),))
    jane = await world.add_user("jane", role_ids=(await world.add_role("Customer"),))
    for token in (
        world.user_token(jane, ALL_SCOPES),
        world.user_token("auth0|new", ALL_SCOPES),
        world.application_token(ALL_SCOPES),
    ):
        [result] = (await world.ask(changing(change), token)).values()
        assert result["errors"] == []
        await world.database["roles"].delete_many({"tenant": world.tenant, "name": {"$ne": "Customer"}})
        await with_role(world)


async def test_users_can_describe_a_role_that_they_have(world: World) -> None:
    john = await world.add_user("john", role_ids=(await with_role(world),))
    same = 'name: "Editor", permissions: [{api: "a", name: "edit", description: "Edits"}]'
    change = f'updateRole(input: {{%s, description: "For editors", {same}}})'
    data = await world.ask(changing(change), world.user_token(john, ALL_SCOPES))
    assert data["updateRole"]["errors"] == []
    role = await role_of(world)
    assert (role["description"], role["permissions"][0]["description"]) == ("For editors", "Edits")


async def test_role_assigned_during_the_request_is_the_users_own(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service reads the profile of the caller right before the write, not when the request begins."""
    role, john = await with_role(world), await world.add_user("john")
    one = Roles._one

    async def given(self: Roles, *arguments: Any) -> Any:
        await world.database["users"].update_one({"_id": john.id}, {"$set": {"role_ids": [role]}})
        return await one(self, *arguments)

    monkeypatch.setattr(Roles, "_one", given)
    assert codes(await world.post(changing(CHANGES[0]), world.user_token(john, ALL_SCOPES))) == ["FORBIDDEN"]


async def test_roles_of_an_account_linked_during_the_request_count(
    accounts: TwoAccounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service reads the profile of the caller again before it writes."""
    apply = Roles._write

    async def linked(self: Roles, *arguments: Any) -> Any:
        monkeypatch.undo()
        assert (await accounts.link(application))["errors"] == []
        return await apply(self, *arguments)

    monkeypatch.setattr(Roles, "_write", linked)
    users = accounts.world.database["users"]
    token = accounts.world.user_token("auth0|john", ALL_SCOPES)
    # This application has no scope to share roles by a link, so only the linked account has the role.
    application = accounts.world.application_token(
        ["update:users", "read:users", "read:users_app_metadata", "read:roles", "read:logs", "read:device_credentials"]
    )
    assert codes(await accounts.world.post(changing(CHANGES[0]), token)) == ["FORBIDDEN"]
    john = await users.find_one({"tenant": accounts.world.tenant, "user_id": "auth0|john"})
    assert len(john["role_ids"]) == 1
