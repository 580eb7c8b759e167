"""The fields of a profile, event, device or role that a caller sees, in the form of the GraphQL answer.

Each function returns the value, and adds the path of each refused field to `refused`.
"""

from typing import Any

from tests.authorization.operations import Path
from tests.authorization.state import Device, Event, Profile, Role, State
from tests.authorization.table import Caller, may

# The action that allows to see changes of an attribute. Other attributes need the right to read the user.
CHANGED = {"app_metadata": "appMetadata", "roles": "roles of a user", "permissions": "roles of a user"}


class View:
    """The state as one caller sees it. `profile` is the caller's own profile, or None."""

    def __init__(self, state: State, caller: Caller) -> None:
        self.state = state
        self.caller = caller
        self.refused: list[Path] = []
        self.profile = profile_of(state, caller)

    def is_self(self, handle: str | None) -> bool:
        return handle is not None and handle in self.state.own(self.profile.handle if self.profile else None)

    def may(self, what: str, about: str | None) -> bool:
        return may(self.caller, what, self.is_self(about))

    def _guard(self, allowed: bool, value: Any, path: Path) -> Any:
        if not allowed:
            self.refused.append(path)
            return None
        return value

    def user(self, profile: Profile, path: Path) -> dict[str, Any]:
        handle = profile.handle
        readable = self.may("user", handle)
        shown: dict[str, Any] = {"userId": profile.user_id, "version": profile.version}
        for name, value in (
            ("name", profile.name),
            ("email", profile.email),
            ("blocked", profile.blocked),
            ("userMetadata", profile.user_metadata),
        ):
            shown[name] = self._guard(readable, value, (*path, name))
        shown["appMetadata"] = self._guard(
            self.may("appMetadata", handle), profile.app_metadata, (*path, "appMetadata")
        )
        shown["raw"] = self._guard(readable, self._raw(profile), (*path, "raw"))
        shown["identities"] = self._identities(profile, readable, (*path, "identities"))
        has_roles = self.may("roles of a user", handle)
        roles = [self.state.roles[each] for each in profile.roles]
        shown["roles"] = self._guard(has_roles, [{"roleId": each.role_id} for each in roles], (*path, "roles"))
        shown["permissions"] = self._guard(has_roles, _permissions(profile, roles), (*path, "permissions"))
        own = {handle, *profile.linked}
        devices = [self.device(each) for each in self.state.devices if each.owner in own]
        shown["devices"] = self._guard(self.may("devices", handle), {"nodes": devices}, (*path, "devices"))
        events = [each for each in self.state.events if each.about in own]
        shown["logEvents"] = self._guard(
            self.may("logEvents of one user", handle), self.events(events), (*path, "logEvents")
        )
        return shown

    def _raw(self, profile: Profile) -> dict[str, Any]:
        raw = {
            "user_id": profile.user_id,
            "name": profile.name,
            "email": profile.email,
            "user_metadata": profile.user_metadata,
        }
        if self.may("appMetadata", profile.handle):
            raw["app_metadata"] = profile.app_metadata
        return raw

    def _identities(self, profile: Profile, readable: bool, path: Path) -> Any:
        if not readable:
            return self._guard(False, None, path)
        shown = []
        for index, handle in enumerate([profile.handle, *profile.linked]):
            account = self.state.profiles[handle]
            allowed = self.may("accessToken", profile.handle)
            token = self._guard(allowed, account.token, (*path, index, "accessToken"))
            shown.append({"userId": handle, "profileData": account.profile_data, "accessToken": token})
        return shown

    def events(self, events: list[Event]) -> dict[str, Any]:
        nodes = [self.event(each) for each in events if self.sees(each)]
        return {"nodes": nodes, "totalCount": {"value": len(nodes)}}

    def sees(self, event: Event) -> bool:
        """Returns whether the event is listed: it has no changes, or a change that the caller may read."""
        return not event.changes or bool(self._changes(event))

    def _changes(self, event: Event) -> list[dict[str, Any]]:
        return [
            {"path": path, "before": before, "after": after}
            for path, before, after in event.changes
            if self.may(CHANGED.get(path.partition(".")[0], "user"), event.about)
        ]

    def event(self, event: Event) -> dict[str, Any]:
        hidden = event.actor is not None and not self.may("why somebody else acted", event.about)
        shown: dict[str, Any] = {"type": event.type, "about": event.user_id, "actor": None}
        if event.actor is not None:
            name = None if hidden else event.actor.name
            shown["actor"] = {"kind": event.actor.kind, "id": event.actor.id, "name": name}
        for key, value in (
            ("reason", event.reason),
            ("ip", event.ip),
            ("userAgent", event.user_agent),
            ("details", event.details),
        ):
            shown[key] = None if hidden else value
        # An event without changes has null here, not an empty list.
        shown["changes"] = self._changes(event) if event.changes else None
        return shown

    @staticmethod
    def device(device: Device) -> dict[str, Any]:
        return {"deviceId": device.device_id, "name": device.name}

    def role(self, role: Role, path: Path) -> dict[str, Any]:
        shown: dict[str, Any] = {"roleId": role.role_id, "permissions": [{"name": role.permission}]}
        allowed = may(self.caller, "Role.users", False)
        members = [each for each in self.state.visible(self.caller.tenant) if role.handle in each.roles]
        nodes = [self._member(each, (*path, "users", "nodes", 0)) for each in members] if allowed else []
        shown["users"] = self._guard(allowed, {"nodes": nodes}, (*path, "users"))
        return shown

    def _member(self, profile: Profile, path: Path) -> dict[str, Any]:
        allowed = self.may("appMetadata", profile.handle)
        metadata = self._guard(allowed, profile.app_metadata, (*path, "appMetadata"))
        return {"userId": profile.user_id, "appMetadata": metadata}


def profile_of(state: State, caller: Caller) -> Profile | None:
    """Returns the profile of a caller: the profile of the token's user, or the one that this account is linked to."""
    account = state.profiles.get(caller.subject or "") if caller.is_user else None
    if account is None or account.tenant != caller.tenant:
        return None
    return account if account.linked_to is None else state.profiles[account.linked_to]


def _permissions(profile: Profile, roles: list[Role]) -> list[dict[str, Any]]:
    """Returns the permissions. Markers are unique, so each permission has one source."""
    direct = [{"name": each, "sources": [{"type": "DIRECT", "roleId": None}]} for each in profile.permissions]
    return direct + [{"name": each.permission, "sources": [{"type": "ROLE", "roleId": each.role_id}]} for each in roles]
