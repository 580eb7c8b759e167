"""Roles and permissions: changing, assigning, versions and events."""

import asyncio
from typing import Any

import pytest

from app.composition.secrets import build_tokens
from app.composition.services import build_services
from app.domain.permissions import Permission
from app.domain.principals import ActorKind, Principal
from app.domain.roles import MAX_PERMISSIONS, MAX_ROLES
from app.domain.scopes import Scope
from app.jobs.roles import ClearRoles
from app.services.roles import Roles as RoleChanges
from app.services.tenant_changes import Condition
from app.settings import Settings
from app.store.database import new_id
from app.store.records import Records
from app.store.roles import RoleStore
from app.store.snapshots import Snapshots
from tests.world import ALL_SCOPES, World, codes

KINDS = {
    "createRole": "CreateRoleInput",
    "updateRole": "UpdateRoleInput",
    "deleteRole": "DeleteRoleInput",
    "assignRoles": "UserRolesInput",
    "unassignRoles": "UserRolesInput",
    "grantPermissions": "UserPermissionsInput",
    "revokePermissions": "UserPermissionsInput",
}
ROLE = "role { roleId name description version permissions { name api description } }"
USER = "user { version roles { name } permissions { name api description sources { type roleName } } }"


async def act(world: World, mutation: str, **input: Any) -> Any:
    asked = ROLE if mutation.endswith("Role") else USER
    query = f"mutation($input: {KINDS[mutation]}!) {{ {mutation}(input: $input) {{ {asked} errors {{ code path }} }} }}"
    return (await world.ask(query, world.application_token(ALL_SCOPES), input=input))[mutation]


async def last_event(world: World) -> dict[str, Any]:
    found = await world.database["log_events"].find({"tenant": world.tenant}).sort("_id", -1).to_list(1)
    return dict(found[0])


async def test_each_change_of_a_role_has_an_event(world: World) -> None:
    permissions = [{"api": "a", "name": "read"}, {"api": "a", "name": "read"}, {"api": "a", "name": "write"}]
    made = (await act(world, "createRole", name="Editor", description="Edits", permissions=permissions, reason="new"))[
        "role"
    ]
    assert made["permissions"] == [{"name": each, "api": "a", "description": None} for each in ("read", "write")]
    event = await last_event(world)
    assert (event["type"], event["reason"], event["actor"]["id"]) == ("ROLE_CREATED", "new", "support@clients")
    assert event["details"]["after"]["name"] == "Editor"
    role_id = made["roleId"]
    assert (await world.ask("{ roles { nodes { name } } }", world.application_token()))["roles"]["nodes"] == [
        {"name": "Editor"}
    ]
    changed = (await act(world, "updateRole", roleId=role_id, name="Author", description=""))["role"]
    assert (changed["name"], changed["description"], len(changed["permissions"])) == ("Author", None, 2)
    event = await last_event(world)
    assert (event["details"]["before"]["name"], event["details"]["after"]["name"]) == ("Editor", "Author")
    assert (await act(world, "updateRole", roleId=role_id, permissions=[]))["role"]["permissions"] == []
    count = await world.database["log_events"].count_documents({"tenant": world.tenant})
    assert (await act(world, "updateRole", roleId=role_id))["errors"] == []
    assert await world.database["log_events"].count_documents({"tenant": world.tenant}) == count
    assert await act(world, "deleteRole", roleId=role_id, reason="gone") == {"role": None, "errors": []}
    assert (await last_event(world))["type"] == "ROLE_DELETED"
    for name in ("updateRole", "deleteRole"):
        assert (await act(world, name, roleId=role_id))["errors"] == [{"code": "NOT_FOUND", "path": ["roleId"]}]


async def test_permissions_of_a_role_have_descriptions(world: World) -> None:
    def permissions(**described: str | None) -> list[dict[str, str | None]]:
        return [{"api": "a", "name": name, "description": what} for name, what in described.items()]

    first = permissions(read="Read orders", write=None)
    role = (await act(world, "createRole", name="Editor", permissions=first))["role"]
    assert sorted(role["permissions"], key=lambda each: each["name"]) == first
    assert (await last_event(world))["details"]["after"]["permissions"][0]["description"] == "Read orders"
    # A description that is left out stays, empty text removes it, and a new text replaces it.
    both = [{"api": "a", "name": "read"}, {"api": "a", "name": "write", "description": "Write orders"}]
    role = (await act(world, "updateRole", roleId=role["roleId"], permissions=both))["role"]
    assert role["permissions"] == permissions(read="Read orders", write="Write orders")
    cleared = permissions(read="", write="Write")
    role = (await act(world, "updateRole", roleId=role["roleId"], permissions=cleared))["role"]
    assert role["permissions"] == permissions(read=None, write="Write")
    for bad in ("x" * 501, "a\x00b"):
        given = permissions(read=bad)
        [error] = (await act(world, "updateRole", roleId=role["roleId"], permissions=given))["errors"]
        assert error == {"code": "INVALID_INPUT", "path": ["permissions"]}


async def test_granted_permission_keeps_and_changes_its_description(world: World) -> None:
    john = await world.add_user("john")

    async def grant(**permission: str) -> Any:
        given = [{"api": "a", "name": "read", **permission}]
        user = (await act(world, "grantPermissions", userId=john.user_id, permissions=given))["user"]
        [permission] = user["permissions"]
        return permission["description"], user["version"]

    assert await grant(description="Read orders") == ("Read orders", 2)
    assert await grant() == ("Read orders", 2)
    assert await grant(description="Read all orders") == ("Read all orders", 3)
    described = [{"api": "a", "name": "read", "description": "Read all orders"}]
    refused = await act(world, "revokePermissions", userId=john.user_id, permissions=described)
    assert refused["errors"] == [{"code": "INVALID_INPUT", "path": ["permissions"]}]
    plain = [{"api": "a", "name": "read"}]
    assert (await act(world, "revokePermissions", userId=john.user_id, permissions=plain))["user"]["permissions"] == []


async def test_invalid_role_is_refused(world: World) -> None:
    await act(world, "createRole", name="Editor")
    for input, expected in (
        ({"name": ""}, ("INVALID_INPUT", ["name"])),
        ({"name": " "}, ("INVALID_INPUT", ["name"])),
        ({"name": "x" * 101}, ("INVALID_INPUT", ["name"])),
        ({"name": "a\nb"}, ("INVALID_INPUT", ["name"])),
        ({"name": "eDITOR"}, ("ALREADY_EXISTS", ["name"])),
        ({"name": "X", "description": "x" * 501}, ("INVALID_INPUT", ["description"])),
        ({"name": "X", "permissions": [{"api": "", "name": "x"}]}, ("INVALID_INPUT", ["permissions"])),
    ):
        [error] = (await act(world, "createRole", **input))["errors"]
        assert (error["code"], error["path"]) == expected, input
    made = await asyncio.gather(*(act(world, "createRole", name="Same") for _ in range(4)))
    assert sorted(bool(each["errors"]) for each in made) == [False, True, True, True]
    other = next(each["role"]["roleId"] for each in made if each["role"])
    assert (await act(world, "updateRole", roleId=other, name="Editor"))["errors"] == [
        {"code": "ALREADY_EXISTS", "path": ["name"]}
    ]


async def test_assigning_and_unassigning_roles_have_events(world: World) -> None:
    john = await world.add_user("john")
    roles = [(await act(world, "createRole", name=name))["role"]["roleId"] for name in ("A", "B")]
    given = await act(world, "assignRoles", userId=john.user_id, roleIds=roles, ifVersion=1, reason="promoted")
    assert [each["name"] for each in given["user"]["roles"]] == ["A", "B"]
    assert given["user"]["version"] == 2
    event = await last_event(world)
    assert (event["type"], event["reason"], event["user_version"]) == ("ROLES_ASSIGNED", "promoted", 2)
    assert event["changes"] == [{"path": "roles", "after": ["A", "B"]}]
    # A role that the user already has changes nothing.
    assert (await act(world, "assignRoles", userId=john.user_id, roleIds=roles[:1]))["user"]["version"] == 2
    taken = await act(world, "unassignRoles", userId=john.user_id, roleIds=roles[:1])
    assert [each["name"] for each in taken["user"]["roles"]] == ["B"]
    assert (await last_event(world))["changes"] == [{"path": "roles", "before": ["A"]}]
    for input, expected in (
        ({"roleIds": ["none"]}, ("NOT_FOUND", ["roleIds"])),
        ({"roleIds": []}, ("NOT_FOUND", ["roleIds"])),
        ({"roleIds": roles, "userId": "auth0|nobody"}, ("NOT_FOUND", ["userId"])),
        ({"roleIds": roles, "ifVersion": 1}, ("VERSION_CONFLICT", ["ifVersion"])),
    ):
        [error] = (await act(world, "assignRoles", **{"userId": john.user_id, **input}))["errors"]
        assert (error["code"], error["path"]) == expected
    await world.database["users"].update_one(
        {"_id": john.id}, {"$set": {"role_ids": [new_id() for _ in range(MAX_ROLES)]}}
    )
    [error] = (await act(world, "assignRoles", userId=john.user_id, roleIds=roles[:1]))["errors"]
    assert error["code"] == "TOO_LARGE"


async def test_permissions_list_their_sources(world: World) -> None:
    john = await world.add_user("john")
    read, write = {"api": "a", "name": "read"}, {"api": "a", "name": "write"}
    role = (await act(world, "createRole", name="A", permissions=[read]))["role"]["roleId"]
    await act(world, "assignRoles", userId=john.user_id, roleIds=[role])
    given = (await act(world, "grantPermissions", userId=john.user_id, permissions=[read, write]))["user"]
    assert given["permissions"] == [
        {
            **read,
            "description": None,
            "sources": [{"type": "DIRECT", "roleName": None}, {"type": "ROLE", "roleName": "A"}],
        },
        {**write, "description": None, "sources": [{"type": "DIRECT", "roleName": None}]},
    ]
    event = await last_event(world)
    assert (event["type"], event["changes"][0]["path"]) == ("PERMISSIONS_GRANTED", "permissions")
    left = (await act(world, "revokePermissions", userId=john.user_id, permissions=[read, write]))["user"]
    assert left["permissions"] == [{**read, "description": None, "sources": [{"type": "ROLE", "roleName": "A"}]}]
    assert (await act(world, "revokePermissions", userId=john.user_id, permissions=[write]))["user"]["version"] == left[
        "version"
    ]
    many = [{"api": "a", "name": str(number)} for number in range(MAX_PERMISSIONS)]
    await act(world, "grantPermissions", userId=john.user_id, permissions=many)
    [error] = (await act(world, "grantPermissions", userId=john.user_id, permissions=[write]))["errors"]
    assert (error["code"], error["path"]) == ("TOO_LARGE", ["permissions"])


@pytest.mark.parametrize("name", ["assignRoles", "unassignRoles", "grantPermissions", "revokePermissions"])
async def test_users_cannot_change_their_own_roles_or_permissions(world: World, name: str) -> None:
    john = await world.add_user("john")
    await world.add_role("Editor")
    what = {"roleIds": ["rol_editor"]} if name.endswith("Roles") else {"permissions": [{"api": "a", "name": "b"}]}
    query = f"mutation($input: {KINDS[name]}!) {{ {name}(input: $input) {{ errors {{ code }} }} }}"
    answer = await world.post(query, world.user_token(john, ALL_SCOPES), input={"userId": john.user_id, **what})
    assert codes(answer) == ["FORBIDDEN"]
    assert (await world.stored(john))["version"] == 1


async def test_deleted_role_disappears_from_all_its_users(world: World) -> None:
    made = (await act(world, "createRole", name="Everyone", permissions=[{"api": "a", "name": "all"}]))["role"]
    role = (await world.database["roles"].find_one({"role_id": made["roleId"]}))["_id"]
    john = await world.add_user("john", role_ids=(role,), permissions=())
    users = world.database["users"]
    await users.insert_many(
        [
            {"tenant": world.tenant, "user_id": f"u|{n}", "keys": [f"sub:u::{n}"], "version": 1, "role_ids": [role]}
            for n in range(5_000)
        ],
        ordered=False,
    )
    query = "{ viewer { roles { name } permissions { name } } }"
    token = world.user_token(john)
    assert (await world.ask(query, token))["viewer"]["roles"] == [{"name": "Everyone"}]
    assert (await act(world, "deleteRole", roleId=made["roleId"]))["errors"] == []
    assert (await world.ask(query, token))["viewer"] == {"roles": [], "permissions": []}
    roles = RoleStore(world.database)
    job = asyncio.create_task(ClearRoles(roles).run())
    try:
        async with asyncio.timeout(60):
            while await users.count_documents({"tenant": world.tenant, "role_ids": role}, limit=1):
                await asyncio.sleep(0.1)
            while await world.database["deleted_roles"].count_documents({"tenant": world.tenant}):
                await asyncio.sleep(0.1)
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
    # Only the reference to the deleted role was removed, so the version of the profile stays.
    assert (await world.stored(john))["version"] == 1
    await users.delete_many({"tenant": world.tenant})


async def test_deletion_of_a_role_starts_the_job_that_clears_it(world: World, settings: Settings) -> None:
    """The job runs at once, before its next regular run."""
    job = ClearRoles(RoleStore(world.database))
    services = build_services(settings, world.database, True, build_tokens(settings, True), job.wake)
    tool = Principal(world.tenant, "tool@clients", ActorKind.APPLICATION, frozenset(Scope))
    task = asyncio.create_task(job.run())
    try:
        for name in ("First", "Second"):
            role = await world.add_role(name)
            john = await world.add_user(name, role_ids=(role,))
            await services.roles.delete(tool, f"rol_{name.lower()}", Condition())
            async with asyncio.timeout(30):
                while (await world.stored(john)).get("role_ids"):
                    await asyncio.sleep(0.05)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def another_process(world: World) -> tuple[RoleChanges, Principal]:
    """Returns the service as in another process: it has its own queue, so only the database orders its writes."""
    callers, snapshots = world.callers(), Snapshots(Records(world.database))
    tool = Principal(world.tenant, "tool@clients", ActorKind.APPLICATION, frozenset(Scope))
    return RoleChanges(world.writes(), callers, RoleStore(world.database), snapshots, lambda: None), tool


async def test_concurrent_role_updates_lose_nothing(world: World) -> None:
    await world.add_role("Editor")
    changes: list[dict[str, Any]] = [
        {"name": "Author"},
        {"description": "Writes"},
        {"permissions": [Permission("write", "a")]},
    ]

    async def write(given: dict[str, Any]) -> None:
        roles, tool = another_process(world)
        await roles.update(tool, "rol_editor", given, Condition())

    await asyncio.gather(*(write(changes[number % 3]) for number in range(9)))
    role = (await act(world, "updateRole", roleId="rol_editor"))["role"]
    assert (role["name"], role["description"], len(role["permissions"])) == ("Author", "Writes", 1)
    # Each change has one version. The other requests changed nothing.
    assert role["version"] == 4


async def test_role_has_version_for_if_version(world: World) -> None:
    made = (await act(world, "createRole", name="Editor"))["role"]
    named = {"roleId": made["roleId"]}
    assert made["version"] == 1
    assert (await act(world, "updateRole", **named, name="Editor"))["role"]["version"] == 1
    assert (await act(world, "updateRole", **named, name="Author", ifVersion=1))["role"]["version"] == 2
    for mutation in ("updateRole", "deleteRole"):
        conflict = await act(world, mutation, **named, ifVersion=1)
        assert conflict["errors"] == [{"code": "VERSION_CONFLICT", "path": ["ifVersion"]}]
        assert (conflict["role"]["name"], conflict["role"]["version"]) == ("Author", 2)
        refused = await act(world, mutation, **named, ifVersion=None)
        assert refused["errors"] == [{"code": "INVALID_INPUT", "path": ["ifVersion"]}]
    event = await last_event(world)
    assert (event["details"]["before"]["version"], event["details"]["after"]["version"]) == (1, 2)
    assert (await act(world, "deleteRole", **named, ifVersion=2))["errors"] == []


async def test_update_role_distinguishes_null_from_absent(world: World) -> None:
    permissions = [{"api": "a", "name": "read"}]
    made = await act(world, "createRole", name="Editor", description="Edits", permissions=permissions)
    named = {"roleId": made["role"]["roleId"]}
    for name in ("name", "permissions"):
        refused = await act(world, "updateRole", **named, **{name: None})
        assert refused["errors"] == [{"code": "INVALID_INPUT", "path": [name]}]
    cleared = (await act(world, "updateRole", **named, description=None))["role"]
    assert (cleared["name"], cleared["description"], len(cleared["permissions"])) == ("Editor", None, 1)


async def test_name_contains_accepts_any_text_of_a_name(world: World) -> None:
    await act(world, "createRole", name="Editor (main)")
    query = "query($text: String) { roles(nameContains: $text) { nodes { name } } }"
    for text in ("", "or (", "x" * 100):
        found = (await world.ask(query, world.application_token(), text=text))["roles"]["nodes"]
        assert found == ([] if "x" in text else [{"name": "Editor (main)"}])
    for text in ("a\0b", "x" * 101, "x" * 200_000):
        answer = await world.post(query, world.application_token(), text=text)
        [error] = answer.json()["errors"]
        assert (error["extensions"]["code"], error["extensions"]["reason"]) == ("BAD_USER_INPUT", "INVALID_INPUT")


async def test_event_of_permissions_has_only_the_differences(world: World) -> None:
    """All permissions together would be larger than the maximum size of a value in an event."""
    many = [{"api": "urn:api", "name": f"permission:{number}"} for number in range(200)]
    john = await world.add_user("john", permissions=tuple(many))
    one = {"api": "urn:api", "name": "read"}
    await act(world, "grantPermissions", userId=john.user_id, permissions=[one, many[0]])
    assert (await last_event(world))["changes"] == [{"path": "permissions", "after": [one]}]
    await act(world, "revokePermissions", userId=john.user_id, permissions=[one, many[0]])
    gone = (await last_event(world))["changes"]
    assert [each["path"] for each in gone] == ["permissions"]
    assert gone[0]["before"] == [many[0], one]
    assert "after" not in gone[0]
