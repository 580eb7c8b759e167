"""How linking and unlinking change both accounts. This module imports nothing of `app`."""

import copy
from typing import Any

from tests.authorization.acts import Act, permission
from tests.authorization.beginning import tenant_of, user_id
from tests.authorization.operations import Declined, Denied
from tests.authorization.state import Access, Profile, State
from tests.authorization.table import may


def link_identity(act: Act) -> str:
    user, other = act.user, _secondary(act)
    # What users may never do to their own profile is also refused when their profile is the secondary.
    if act.is_own(other) and not act.is_own(user):
        raise Denied("FORBIDDEN")
    if other is user:
        raise Declined("INVALID_INPUT")
    if other.linked_to is not None:
        raise Declined("ALREADY_EXISTS")
    if user.blocked or other.blocked:
        raise Declined("USER_BLOCKED")
    if other.linked:
        raise Declined("INVALID_INPUT")
    changes: list[tuple[str, Any, Any]] = []
    takes = _takes(act)
    held = Access(dict(user.app_metadata), list(user.roles), list(user.permissions))
    for name in ("app_metadata", "user_metadata"):
        if act.operation.get("merge") and (name in takes or name == "user_metadata"):
            document = getattr(user, name)
            new = {key: value for key, value in getattr(other, name).items() if key not in document}
            changes += [(f"{name}.{key}", None, new[key]) for key in sorted(new)]
            setattr(user, name, document | new)
    roles = [each for each in other.roles if each not in user.roles and "roles" in takes]
    permissions = [each for each in other.permissions if each not in user.permissions and "permissions" in takes]
    changes += _gained(act.state, roles, permissions)
    user.roles += roles
    user.permissions += permissions
    details = {"otherUserId": user.user_id}
    act.add_event("IDENTITY_LINKED", about=other, details=details)
    other.linked_to, other.version = user.handle, other.version + 1
    other.access = Access(**{name: None if name in takes else getattr(held, name) for name in vars(held)})
    user.linked.append(other.handle)
    act.write("IDENTITY_LINKED", changes, details={"otherUserId": other.user_id})
    return user.handle


def _takes(act: Act) -> set[str]:
    """Returns the access that the primary gets: each kind for which the caller has the scopes, and none for their own."""
    parts = {"app_metadata": "updateAppMetadata", "roles": "assignRoles", "permissions": "grantPermissions"}
    if act.is_own(act.user):
        return set()
    takes = {name for name, what in parts.items() if may(act.caller, what, False)}
    return takes if act.operation.get("merge") else takes - {"app_metadata"}


def _gained(state: State, roles: list[str], permissions: list[str]) -> list[tuple[str, Any, Any]]:
    changes: list[tuple[str, Any, Any]] = []
    if permissions:
        changes.append(("permissions", None, [permission(each) for each in permissions]))
    if roles:
        changes.append(("roles", None, [state.roles[each].name for each in roles]))
    return changes


def _secondary(act: Act) -> Profile:
    """Finds the secondary. An application names it by userId, and a user proves it by a token."""
    handle, tenant = act.operation.get("secondary"), act.caller.tenant
    if act.operation.get("proves"):
        if not act.caller.is_user or handle == act.caller.subject or tenant_of(handle) != tenant:
            raise Declined("INVALID_INPUT")
    elif act.is_own(act.user):
        raise Declined("INVALID_INPUT")
    for each in act.state.profiles.values():
        if (each.tenant, each.user_id) == (tenant, user_id(handle)):
            return each
    raise Declined("NOT_FOUND")


def unlink_identity(act: Act) -> str:
    handle = act.operation.get("identity")
    if handle == act.user.handle:
        raise Declined("INVALID_INPUT")
    if handle not in act.user.linked:
        raise Declined("NOT_FOUND")
    other = act.state.profiles[handle]
    act.user.linked.remove(handle)
    act.write("IDENTITY_UNLINKED", [], details={"otherUserId": other.user_id})
    before = copy.deepcopy(other)
    other.linked_to, other.version, other.blocked = None, other.version + 1, act.user.blocked
    _give_back(act.user, other)
    act.add_event(
        "IDENTITY_UNLINKED", _lost(act.state, before, other), about=other, details={"otherUserId": act.user.user_id}
    )
    return act.user.handle


def _give_back(user: Profile, other: Profile) -> None:
    """Restores what the account had before the link, without what the profile lost since.

    When the profile got the access of the account, the account does not get back what the profile has lost. When it did
    not, the account gets everything back, except what the profile itself had, too, and has lost.
    """
    access, other.access = other.access or Access(), None
    if access.roles != user.roles:
        other.roles = [each for each in other.roles if each in user.roles]
    if access.permissions != user.permissions:
        other.permissions = [each for each in other.permissions if each in user.permissions]
    old, now = access.app_metadata, user.app_metadata
    other.app_metadata = {
        key: value
        for key, value in other.app_metadata.items()
        if now.get(key) == value or (old is not None and old.get(key) != value)
    }


def _lost(state: State, before: Profile, after: Profile) -> list[tuple[str, Any, Any]]:
    """Returns the changes of the event about an account that is unlinked."""
    changes: list[tuple[str, Any, Any]] = [
        (f"app_metadata.{key}", value, None)
        for key, value in before.app_metadata.items()
        if key not in after.app_metadata
    ]
    if before.blocked != after.blocked:
        changes.append(("blocked", before.blocked, after.blocked))
    permissions = [permission(each) for each in before.permissions if each not in after.permissions]
    if permissions:
        changes.append(("permissions", permissions, None))
    roles = [state.roles[each].name for each in before.roles if each not in after.roles]
    return [*changes, ("roles", roles, None)] if roles else changes
