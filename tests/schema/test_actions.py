"""viewerActions: each action is allowed exactly if its mutation succeeds."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from app.auth.development import USER_SCOPES
from app.domain.ids import encode_id
from app.domain.logins import MAX_FAILURES
from app.domain.roles import MAX_PERMISSIONS, MAX_ROLES
from app.domain.times import now
from app.domain.users import Identity, User
from app.policy.actions import UserActionName as Name
from app.store.database import new_id
from tests.world import ALL_SCOPES, World

ACTIONS = "query($id: String!) { user(by: {userId: $id}) { viewerActions { name allowed code reason missingScopes } } }"


@dataclass
class Try:
    """A request that does the action if the caller may do it."""

    mutation: str
    input: dict[str, Any]


async def of_device(world: World, user: User) -> dict[str, Any]:
    known = {
        "tenant": world.tenant,
        "user": user.id,
        "client_id": "c",
        "device_id": str(new_id()),
        "last_used_at": now(),
    }
    await world.database["devices"].insert_one(known)
    return {"deviceId": known["device_id"]}


async def of_grant(world: World, user: User) -> dict[str, Any]:
    known = {"tenant": world.tenant, "user": user.id, "client_id": str(new_id()), "audience": "a"}
    found = await world.database["grants"].insert_one({**known, "client_name": "c", "scopes": [], "granted_at": now()})
    return {"id": encode_id("AuthorizedApplication", found.inserted_id)}


async def of_enrollment(world: World, user: User) -> dict[str, Any]:
    known = {"tenant": world.tenant, "user": user.id, "enrollment_id": str(new_id()), "type": "t", "status": "s"}
    await world.database["mfa_enrollments"].insert_one(known)
    return {"all": True}


async def of_secondary(world: World, user: User) -> dict[str, Any]:
    """Returns the second account: its userId for an application, and a token as proof for a user."""
    other = await world.add_user(str(new_id()))
    return {"secondary": {"userId": other.user_id}, "proof": {"token": world.user_token(other)}}


async def of_linked(world: World, user: User) -> dict[str, Any]:
    linked = [each for each in user.identities if each.origin is not None]
    return {"identityId": (await identity_ids(world, user))[-1] if linked else "none"}


async def identity_ids(world: World, user: User) -> list[str]:
    query = "query($id: String!) { user(by: {userId: $id}) { identities { id } } }"
    found = await world.ask(query, world.application_token(ALL_SCOPES), id=user.user_id)
    return [each["id"] for each in found["user"]["identities"]]


def always(**input: Any) -> Callable[[World, User], Awaitable[dict[str, Any]]]:
    async def made(world: World, user: User) -> dict[str, Any]:
        return input

    return made


PERMISSIONS = {"permissions": [{"api": "a", "name": "b"}]}
MUTATIONS: dict[Name, tuple[str, str, Callable[[World, User], Awaitable[dict[str, Any]]]]] = {
    Name.EDIT_USER_METADATA: ("updateUserMetadata", "UpdateUserMetadataInput", always(patch={"a": 1})),
    Name.EDIT_APP_METADATA: ("updateAppMetadata", "UpdateAppMetadataInput", always(patch={"a": 1})),
    Name.EDIT_ROOT_ATTRIBUTES: ("updateRootAttributes", "UpdateRootAttributesInput", always(name="N")),
    Name.CHANGE_EMAIL: ("changeEmail", "ChangeEmailInput", always(email="new@example.com")),
    Name.CHANGE_USERNAME: ("changeUsername", "ChangeUsernameInput", always(username="new")),
    Name.CHANGE_PHONE_NUMBER: ("changePhoneNumber", "ChangePhoneNumberInput", always(phoneNumber="+14258831929")),
    Name.CHANGE_PASSWORD: ("changePassword", "ChangePasswordInput", always(newPassword="correct horse battery")),
    Name.SEND_VERIFICATION_EMAIL: ("sendVerificationEmail", "SelfActionInput", always()),
    Name.SEND_PASSWORD_RESET_EMAIL: ("sendPasswordResetEmail", "SelfActionInput", always()),
    Name.BLOCK: ("blockUser", "BlockUserInput", always()),
    Name.UNBLOCK: ("unblockUser", "UserActionInput", always()),
    Name.LINK_IDENTITY: ("linkIdentity", "LinkIdentityInput", of_secondary),
    Name.UNLINK_IDENTITY: ("unlinkIdentity", "UnlinkIdentityInput", of_linked),
    Name.UNLINK_DEVICE: ("unlinkDevice", "UnlinkDeviceInput", of_device),
    Name.REVOKE_APPLICATION: ("revokeApplication", "RevokeApplicationInput", of_grant),
    Name.REMOVE_MFA_ENROLLMENTS: ("removeMfaEnrollments", "RemoveMfaEnrollmentsInput", of_enrollment),
    Name.ASSIGN_ROLES: ("assignRoles", "UserRolesInput", always(roleIds=["rol_editor"])),
    Name.UNASSIGN_ROLES: ("unassignRoles", "UserRolesInput", always(roleIds=["rol_editor"])),
    Name.GRANT_PERMISSIONS: ("grantPermissions", "UserPermissionsInput", always(**PERMISSIONS)),
    Name.REVOKE_PERMISSIONS: ("revokePermissions", "UserPermissionsInput", always(**PERMISSIONS)),
    Name.EXPORT_PERSONAL_DATA: ("exportPersonalData", "SelfActionInput", always()),
    Name.DELETE: ("deleteUser", "DeleteUserInput", always()),
}
# The results that a mutation may have for each code of viewerActions. If the action is refused, "done" means that the
# mutation succeeded and changed nothing.
NOT_RECENT = "INSUFFICIENT_USER_AUTHENTICATION"
ANSWERS: dict[str | None, set[str]] = {
    None: {"done"},
    "FORBIDDEN": {"FORBIDDEN"},
    "NEEDS_RECENT_SIGN_IN": {NOT_RECENT},
    "PROVIDER_OWNS_IT": {"NOT_EDITABLE"},
    "CONNECTION_FORBIDS": {"NOT_EDITABLE"},
    "ALREADY_SO": {"NOT_EDITABLE", "done"},
    "NOTHING_THERE": {"NOT_EDITABLE", "NOT_FOUND", "done"},
    "LIMIT_REACHED": {"TOO_LARGE", "done"},
    "USER_BLOCKED": {"USER_BLOCKED"},
}
SIGNED_IN_LONG_AGO = "a user who signed in long ago"
# For each caller: whether it is a user, whether it acts on its own profile, and its scopes.
CALLERS: dict[str, tuple[bool, bool, Any]] = {
    "a user": (True, True, USER_SCOPES),
    "a user with every scope there is": (True, True, ALL_SCOPES),
    SIGNED_IN_LONG_AGO: (True, True, USER_SCOPES),
    "a user who may only read": (True, True, ["read:current_user"]),
    "another user, who administers": (True, False, ALL_SCOPES),
    "a tool": (False, False, ALL_SCOPES),
    "a tool that updates": (False, False, ["read:users", "update:users"]),
    "a tool that only reads": (False, False, ["read:users"]),
}


async def make(world: World, kind: str) -> User:
    """Creates a user of this kind. The kinds are the states that decide whether an action is allowed."""
    handle = str(new_id())
    if kind == "google":
        return await world.add_user(handle, "google-oauth2", "g", email_verified=True)
    if kind == "sms":
        return await world.add_user(
            handle, "sms", "s", email=None, phone_number=f"+4915112{int(handle[-6:], 16) % 10**6:06}"
        )
    if kind == "linked":
        waiting = await world.add_user(str(new_id()), "google-oauth2", "g")
        await world.database["users"].update_one({"_id": waiting.id}, {"$set": {"keys": [f"linked:{waiting.id}"]}})
        own = Identity(provider="auth0", connection="Username-Password-Authentication", user_id=handle)
        more = Identity(
            provider="google-oauth2",
            connection="g",
            user_id=waiting.user_id.partition("|")[2],
            is_social=True,
            origin=waiting.id,
            origin_user_id=waiting.user_id,
        )
        user = await world.add_user(handle, email_verified=True, identities=(own, more))
        await world.database["users"].update_one({"_id": waiting.id}, {"$set": {"linked_to": user.id}})
        return user
    if kind == "full":
        editor = await world.database["roles"].find_one({"tenant": world.tenant, "name": "Editor"})
        roles = (editor["_id"], *(new_id() for _ in range(MAX_ROLES - 1)))
        permissions = tuple({"api": "a", "name": f"p{number}"} for number in range(MAX_PERMISSIONS - 1))
        held = ({"api": "a", "name": "b"}, *permissions)
        return await world.add_user(handle, email=None, username=handle, role_ids=roles, permissions=held)
    return await world.add_user(handle, email_verified=False, blocked=kind == "blocked")


@pytest.fixture
async def open_world(world: World) -> World:
    await world.add_connection()
    await world.add_connection("g", "google-oauth2")
    await world.add_connection("s", "sms")
    await world.add_role("Editor")
    return world


def token_of(world: World, caller: str, user: User, admin: User) -> str:
    """Returns the token of the caller who asks about `user`."""
    is_user, is_self, scopes = CALLERS[caller]
    if not is_user:
        return world.application_token(scopes)
    subject = user if is_self else admin
    if caller == SIGNED_IN_LONG_AGO:
        return world.token_with(subject.user_id, scopes, auth_time=0)
    return world.user_token(subject, scopes)


def new_identifier(name: Name) -> dict[str, str]:
    """Returns an identifier that no user has, for the mutations that change one."""
    if name is Name.CHANGE_EMAIL:
        return {"email": f"{new_id()}@example.com"}
    if name is Name.CHANGE_USERNAME:
        return {"username": str(new_id())}
    if name is Name.CHANGE_PHONE_NUMBER:
        return {"phoneNumber": f"+4915113{int(str(new_id())[-6:], 16) % 10**6:06}"}
    return {}


async def differences(world: World, caller: str, kind: str) -> list[str]:
    _, is_self, scopes = CALLERS[caller]
    wrong = []
    user = await make(world, kind)
    admin = await world.add_user(str(new_id()))
    token = token_of(world, caller, user, admin)
    told = {each["name"]: each for each in (await world.ask(ACTIONS, token, id=user.user_id))["user"]["viewerActions"]}
    assert set(told) == set(Name) == set(MUTATIONS)
    for name, (mutation, input_type, made) in MUTATIONS.items():
        # Each mutation gets a new user in the same state, because the mutation before it changed its user.
        subject = await make(world, kind)
        token = token_of(world, caller, subject, admin)
        input = {"userId": subject.user_id, **await made(world, subject), **new_identifier(name)}
        proof = input.pop("proof", None)
        if is_self and proof:
            input["secondary"] = proof
        query = f"mutation($input: {input_type}!) {{ {mutation}(input: $input) {{ errors {{ code message }} }} }}"
        answer = (await world.post(query, token, input=input)).json()
        errors = [each["extensions"]["code"] for each in answer.get("errors", [])]
        missing = [each["extensions"].get("scopes", []) for each in answer.get("errors", [])]
        errors += [each["code"] for each in ((answer["data"] or {}).get(mutation) or {"errors": []})["errors"]]
        found = told[name]
        if name is Name.CHANGE_PASSWORD and caller == SIGNED_IN_LONG_AGO and found["allowed"]:
            # The current password has the same effect as a recent sign-in.
            continue
        if not ANSWERS[found["code"]] & set(errors or ["done"]):
            wrong.append(f"{caller}, {kind}, {name}: told {found}, and then {errors}")
        if not found["allowed"] and not errors and (await world.stored(subject))["version"] != subject.version:
            wrong.append(f"{caller}, {kind}, {name}: told {found}, and then it was done")
        if found["allowed"] != (found["code"] is None) or found["allowed"] != (found["reason"] is None):
            wrong.append(f"{caller}, {kind}, {name}: {found} does not agree with itself")
        if found["missingScopes"] and not any(
            set(found["missingScopes"]) <= set(each) - set(scopes) for each in (missing or [[]])[0]
        ):
            wrong.append(f"{caller}, {kind}, {name}: told {found['missingScopes']}, and then {missing}")
    return wrong


@pytest.mark.parametrize("kind", ["database", "google", "sms", "linked"])
@pytest.mark.parametrize("caller", CALLERS)
async def test_allowed_actions_succeed_and_others_fail(open_world: World, caller: str, kind: str) -> None:
    assert await differences(open_world, caller, kind) == []


@pytest.mark.parametrize("kind", ["blocked", "full"])
async def test_actions_on_an_unusual_user_agree_with_mutations(open_world: World, kind: str) -> None:
    assert await differences(open_world, "a tool", kind) == []


async def test_user_with_a_locked_out_ip_address_can_be_unblocked(open_world: World) -> None:
    user = await make(open_world, "database")
    token = open_world.application_token(ALL_SCOPES)

    async def code() -> str | None:
        found = (await open_world.ask(ACTIONS, token, id=user.user_id))["user"]["viewerActions"]
        found_code: str | None = next(each["code"] for each in found if each["name"] == "UNBLOCK")
        return found_code

    failures = {"tenant": open_world.tenant, "user": user.id, "ip": "192.0.2.1", "recorded_at": now()}
    await open_world.database["login_failures"].insert_one({**failures, "count": MAX_FAILURES - 1})
    assert await code() == "ALREADY_SO"
    await open_world.database["login_failures"].update_one(failures, {"$inc": {"count": 1}})
    assert await code() is None
    unblock = "mutation($id: String!) { unblockUser(input: {userId: $id}) { errors { code } } }"
    assert (await open_world.ask(unblock, token, id=user.user_id))["unblockUser"] == {"errors": []}
    assert await code() == "ALREADY_SO"


async def test_actions_that_need_a_recent_sign_in_are_not_offered(
    open_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("app.services.writes", "app.policy.actions"):
        monkeypatch.setattr(f"{module}.is_recent", lambda *_: False)
    wrong = await differences(open_world, "a user", "linked")
    # With the current password the change succeeds.
    assert [each for each in wrong if "CHANGE_PASSWORD" not in each] == []
    assert len(wrong) == 1


async def test_refused_action_names_the_missing_scopes(open_world: World) -> None:
    user = await make(open_world, "google")

    async def told(token: str) -> dict[str, Any]:
        found = await open_world.ask(ACTIONS, token, id=user.user_id)
        return {each.pop("name"): each for each in found["user"]["viewerActions"]}

    tool = await told(open_world.application_token(["read:users"]))
    assert tool["ASSIGN_ROLES"]["missingScopes"] == ["create:role_members", "update:users"]
    assert tool["EDIT_USER_METADATA"] == {
        "allowed": False,
        "code": "FORBIDDEN",
        "reason": "You are not allowed to change user_metadata.",
        "missingScopes": ["update:users"],
    }
    own = await told(open_world.user_token(user, ["read:current_user", "update:users"]))
    assert own["EDIT_APP_METADATA"]["missingScopes"] == []
    assert own["DELETE"]["missingScopes"] == ["delete:current_user"]
    assert own["EDIT_ROOT_ATTRIBUTES"]["allowed"] is False
    assert own["EDIT_ROOT_ATTRIBUTES"]["code"] == "PROVIDER_OWNS_IT"
    assert own["CHANGE_EMAIL"]["reason"] == "The sign-in provider g owns the e-mail address. Change it there."


async def test_actions_of_a_page_of_users_need_fixed_commands(open_world: World, commands: list[str]) -> None:
    for _ in range(5):
        await make(open_world, "database")
    token = open_world.application_token(ALL_SCOPES)
    query = """{ users(first: 5) { nodes { viewerActions { name } authorizedApplications { id } mfaEnrollments { id } } } }"""
    await open_world.ask(query, token)
    commands.clear()
    await open_world.ask(query, token)
    # The commands read the users, failed logins, grants and enrollments.
    assert commands == ["find"] * 4
