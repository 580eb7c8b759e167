"""The expected answer and changes of each operation, by the rules of authorization. This module imports nothing of `app`.

The order of the checks is: token, block, scopes, recent sign-in, version, and then the checks of the operation.
"""

from collections.abc import Callable
from typing import Any

from tests.authorization import acts, linking
from tests.authorization.acts import Act
from tests.authorization.beginning import user_id
from tests.authorization.operations import Answer, Declined, Denied, Operation
from tests.authorization.state import Event, Profile, State
from tests.authorization.table import RECENT, Caller, may, may_on_any
from tests.authorization.views import View, profile_of

CHANGES: dict[str, Callable[[Act], str]] = {
    "updateUserMetadata": acts.update_user_metadata,
    "updateAppMetadata": acts.update_app_metadata,
    "updateRootAttributes": acts.update_root_attributes,
    "blockUser": acts.block_user,
    "unblockUser": acts.unblock_user,
    "assignRoles": acts.assign_roles,
    "unassignRoles": acts.unassign_roles,
    "grantPermissions": acts.grant_permissions,
    "unlinkDevice": acts.unlink_device,
    "deleteUser": acts.delete_user,
    "linkIdentity": linking.link_identity,
    "unlinkIdentity": linking.unlink_identity,
}


class Oracle:
    """Knows the state, and changes it with each operation."""

    def __init__(self, state: State) -> None:
        self.state = state

    def expect(self, caller: Caller, operation: Operation) -> Answer:
        if caller.subject is None:
            return Answer(None, [((), "UNAUTHENTICATED")])
        profile = profile_of(self.state, caller)
        if profile is not None and profile.blocked:
            return Answer(None, [((), "USER_BLOCKED")])
        run = getattr(self, f"_{operation.name}", None)
        if run is None:
            return self._write(caller, operation)
        view = View(self.state, caller)
        try:
            data = run(view, operation)
        except Denied as denied:
            return Answer({operation.name: None}, [((operation.name,), denied.code)])
        return Answer({operation.name: data}, [(path, "FORBIDDEN") for path in view.refused])

    # ---------------------------------------------------------------- reading

    def _viewer(self, view: View, operation: Operation) -> Any:
        if not view.caller.is_user:
            return None
        if not may(view.caller, "user", True):
            raise Denied("FORBIDDEN")
        return view.profile and view.user(view.profile, ("viewer",))

    def _user(self, view: View, operation: Operation) -> Any:
        if not may_on_any(view.caller, "user"):
            raise Denied("FORBIDDEN")
        found = self._named(view.caller, operation)
        if found is None or not view.may("user", found.handle):
            return None
        return view.user(found, ("user",))

    def _users(self, view: View, operation: Operation) -> Any:
        if not may(view.caller, "users", False):
            raise Denied("FORBIDDEN")
        found = list(self.state.visible(view.caller.tenant))
        nodes = [view.user(each, ("users", "nodes", 0)) for each in found]
        return {"nodes": nodes, "totalCount": {"value": len(nodes)}}

    def _logEvents(self, view: View, operation: Operation) -> Any:  # noqa: N802
        if not may(view.caller, "logEvents of the tenant", False):
            raise Denied("FORBIDDEN")
        return view.events([each for each in self.state.events if each.tenant == view.caller.tenant])

    def _role(self, view: View, operation: Operation) -> Any:
        if not may(view.caller, "role", False):
            raise Denied("FORBIDDEN")
        role = self.state.roles[operation.get("role")]
        return view.role(role, ("role",)) if role.tenant == view.caller.tenant else None

    def _nodes(self, view: View, operation: Operation) -> Any:
        """Looks up all profiles, devices and first events of both tenants by id."""
        found: list[Any] = []
        for kind, thing in operation.get("things"):
            index = len(found)
            what = {"User": "user", "LogEvent": "logEvents of one user", "Device": "devices"}[kind]
            if not may_on_any(view.caller, what):
                view.refused.append(("nodes", index))
                found.append(None)
            else:
                found.append(self._node(view, kind, what, thing, index))
        return found

    def _node(self, view: View, kind: str, what: str, thing: Any, index: int) -> Any:
        if kind == "User":
            profile = self.state.profiles.get(thing)
            here = profile is not None and profile.tenant == view.caller.tenant and profile.linked_to is None
            return view.user(profile, ("nodes", index)) if profile and here and view.may(what, thing) else None
        if kind == "Device":
            device = next((each for each in self.state.devices if each.device_id == thing), None)
            here = device is not None and device.tenant == view.caller.tenant
            return view.device(device) if device and here and view.may(what, device.owner) else None
        event: Event = self.state.events[thing]
        # An event about no user belongs to the tenant.
        what = what if event.about else "logEvents of the tenant"
        here = event.tenant == view.caller.tenant
        return view.event(event) if here and view.may(what, event.about) and view.sees(event) else None

    # ---------------------------------------------------------------- writing

    def _write(self, caller: Caller, operation: Operation) -> Answer:
        name = operation.name
        if name == "updateUsers":
            return self._write_many(caller, operation)
        try:
            handle = self._change(caller, operation)
        except Denied as denied:
            return Answer({name: None}, [((name,), denied.code)])
        except Declined as declined:
            return self._payload(caller, name, declined.shows, [{"code": declined.code}])
        return self._payload(caller, name, handle, [])

    def _payload(self, caller: Caller, name: str, handle: str | None, errors: list[Any]) -> Answer:
        """Shows the profile by the caller's rights after the write. `handle` is the userId of a deleted profile."""
        if name == "deleteUser":
            return Answer({name: {"deletedUserId": None if errors else handle, "errors": errors}})
        view = View(self.state, caller)
        user = None if handle is None else view.user(self.state.profiles[handle], (name, "user"))
        return Answer({name: {"user": user, "errors": errors}}, [(path, "FORBIDDEN") for path in view.refused])

    def _write_many(self, caller: Caller, operation: Operation) -> Answer:
        """Runs each update as its single mutation, one after another."""
        results, view = [], View(self.state, caller)
        for index, each in enumerate(operation.get("updates")):
            handle, errors = None, []
            try:
                handle = self._change(caller, each)
            except Denied as denied:
                errors = [{"code": denied.code}]
            except Declined as declined:
                handle, errors = declined.shows, [{"code": declined.code}]
            shown = None
            if handle is not None:
                shown = view.user(self.state.profiles[handle], ("updateUsers", "results", index, "user"))
            results.append({"user": shown, "errors": errors})
        return Answer(
            {"updateUsers": {"results": results, "errors": []}}, [(path, "FORBIDDEN") for path in view.refused]
        )

    def _change(self, caller: Caller, operation: Operation) -> str:
        """Returns the handle of the profile after the change, or the userId of a deleted profile."""
        user = self._target(caller, operation)
        return CHANGES[operation.name](Act(self.state, caller, operation, user))

    def _target(self, caller: Caller, operation: Operation) -> Profile:
        what = operation.name
        if not may_on_any(caller, what):
            raise Denied("FORBIDDEN")
        role = operation.get("role")
        if role is not None and self.state.roles[role].tenant != caller.tenant:
            raise Declined("NOT_FOUND")
        found = self._own(caller) if operation.user is None else self._named(caller, operation)
        is_self = found is not None and found is profile_of(self.state, caller)
        if found is None and may(caller, what, False):
            raise Declined("NOT_FOUND")
        # A caller who may access only their own profile cannot distinguish an unknown user from another one.
        if found is None or not may(caller, what, is_self):
            raise Denied("FORBIDDEN")
        # The error is FORBIDDEN, because a new sign-in would not help.
        if what == "unlinkIdentity" and not found.linked:
            raise Declined("INVALID_INPUT" if operation.get("identity") == found.handle else "NOT_FOUND")
        if is_self and what in RECENT and caller.signed_in != "now":
            raise Denied("INSUFFICIENT_USER_AUTHENTICATION")
        if operation.get("outdated"):
            raise Declined("VERSION_CONFLICT", found.handle)
        return found

    def _own(self, caller: Caller) -> Profile:
        if not caller.is_user:
            raise Declined("INVALID_INPUT")
        found = profile_of(self.state, caller)
        if found is None:
            raise Declined("NOT_FOUND")
        return found

    def _named(self, caller: Caller, operation: Operation) -> Profile | None:
        """Finds a profile by its userId, which a user of another tenant may have, too."""
        return self.state.find(caller.tenant, user_id(operation.user or ""))
