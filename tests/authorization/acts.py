"""How each change of one profile changes the oracle's state. This module imports nothing of `app`."""

from typing import Any

from tests.authorization.operations import Declined, Operation
from tests.authorization.state import Actor, Event, Profile, State
from tests.authorization.table import Caller
from tests.authorization.views import profile_of


class Act:
    """Applies one change of one profile by one caller to the state."""

    def __init__(self, state: State, caller: Caller, operation: Operation, user: Profile) -> None:
        self.state = state
        self.caller = caller
        self.operation = operation
        self.user = user
        own = profile_of(state, caller)
        self._name = own.name if own else None
        self._own = state.own(own.handle if own else None)

    def is_own(self, profile: Profile) -> bool:
        return profile.handle in self._own

    def patch(self, name: str, type_: str) -> str:
        document = getattr(self.user, name)
        before = document.get("patched")
        setattr(self.user, name, document | {"patched": self.operation.marker})
        return self.write(type_, [(f"{name}.patched", before, self.operation.marker)])

    def write(self, type_: str, changes: list[tuple[str, Any, Any]], details: dict[str, Any] | None = None) -> str:
        self.user.version += 1
        self.add_event(type_, changes, details=details)
        return self.user.handle

    def add_event(
        self,
        type_: str,
        changes: list[tuple[str, Any, Any]] | None = None,
        about: Profile | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        about = about or self.user
        kind, subject = ("USER", "auth0|") if self.caller.is_user else ("APPLICATION", "")
        actor = None if self.is_own(about) else Actor(kind, f"{subject}{self.caller.subject}", self._name)
        self.state.events.append(
            Event(
                tenant=about.tenant,
                type=type_,
                about=about.handle,
                user_id=about.user_id,
                actor=actor,
                changes=changes or [],
                reason=self.operation.reason,
                ip="127.0.0.1",
                user_agent=self.operation.user_agent,
                details=details,
            )
        )


def permission(name: str) -> dict[str, str]:
    return {"api": "urn:test", "name": name}


# ---------------------------------------------------------------- each change


def update_user_metadata(act: Act) -> str:
    return act.patch("user_metadata", "USER_METADATA_UPDATED")


def update_app_metadata(act: Act) -> str:
    return act.patch("app_metadata", "APP_METADATA_UPDATED")


def update_root_attributes(act: Act) -> str:
    before, act.user.name = act.user.name, act.operation.marker
    return act.write("ROOT_ATTRIBUTES_UPDATED", [("name", before, act.user.name)])


def block_user(act: Act) -> str:
    """Blocks the user and removes the devices. A block writes an event also when the user is already blocked."""
    own = {act.user.handle, *act.user.linked}
    act.state.devices = [each for each in act.state.devices if each.owner not in own]
    if act.user.blocked:
        act.add_event("USER_BLOCKED")
        return act.user.handle
    act.user.blocked = True
    return act.write("USER_BLOCKED", [("blocked", False, True)])


def unblock_user(act: Act) -> str:
    if not act.user.blocked:
        return act.user.handle
    act.user.blocked = False
    return act.write("USER_UNBLOCKED", [("blocked", True, False)])


def assign_roles(act: Act) -> str:
    role = act.operation.get("role")
    if role in act.user.roles:
        return act.user.handle
    act.user.roles.append(role)
    return act.write("ROLES_ASSIGNED", [("roles", None, [act.state.roles[role].name])])


def unassign_roles(act: Act) -> str:
    role = act.operation.get("role")
    if role not in act.user.roles:
        return act.user.handle
    act.user.roles.remove(role)
    return act.write("ROLES_UNASSIGNED", [("roles", [act.state.roles[role].name], None)])


def grant_permissions(act: Act) -> str:
    act.user.permissions.append(act.operation.marker)
    return act.write("PERMISSIONS_GRANTED", [("permissions", None, [permission(act.operation.marker)])])


def unlink_device(act: Act) -> str:
    own = {act.user.handle, *act.user.linked}
    wanted = act.operation.get("device")
    left = [each for each in act.state.devices if each.owner not in own or each.device_id != wanted]
    if len(left) == len(act.state.devices):
        raise Declined("NOT_FOUND")
    act.state.devices = left
    act.add_event("DEVICE_UNLINKED", details={"deviceId": wanted})
    return act.user.handle


def delete_user(act: Act) -> str:
    own = {act.user.handle, *act.user.linked}
    act.add_event("USER_DELETED")
    act.state.devices = [each for each in act.state.devices if each.owner not in own]
    for handle in own:
        del act.state.profiles[handle]
    return act.user.user_id
