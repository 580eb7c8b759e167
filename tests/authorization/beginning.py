"""The state that each sequence begins with. Every value is a unique marker. This module imports nothing of `app`."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.authorization.state import ELSEWHERE, HERE, Actor, Device, Event, Profile, Role, State

# Handles. Ann and eve have the same userId in different tenants.
USERS = {"ann": HERE, "bob": HERE, "cat": HERE, "dan": HERE, "eve": ELSEWHERE}
USER_IDS = {"eve": "auth0|ann"}
ROLES = {"admin": HERE, "editor": HERE, "owner": ELSEWHERE}
SUPPORT = "support@clients"


def user_id(handle: str) -> str:
    """Returns the userId of a handle. The user may be deleted, or may never have existed."""
    return USER_IDS.get(handle, f"auth0|{handle}")


def tenant_of(handle: str) -> str:
    """Returns the tenant of this user's tokens."""
    return USERS.get(handle, HERE)


@dataclass(frozen=True)
class Setting:
    """The differences between sequences: whether Dan is linked to Ann, which user is blocked, and who has which role."""

    is_linked: bool
    blocked: str | None
    roles: tuple[tuple[str, str], ...]


def beginning(setting: Setting, marker: Callable[[str], str]) -> State:
    """Returns the state. `marker` returns a new marker of a tenant."""
    state = State()
    for handle, tenant in ROLES.items():
        state.roles[handle] = Role(handle, f"rol_{handle}", tenant, marker(tenant), marker(tenant))
    for handle, tenant in USERS.items():
        state.profiles[handle] = Profile(
            handle=handle,
            tenant=tenant,
            user_id=user_id(handle),
            name=marker(tenant),
            email=f"{marker(tenant)}@example.com",
            user_metadata={handle: marker(tenant)},
            app_metadata={handle: marker(tenant)},
            profile_data={"hobby": marker(tenant)},
            token=marker(tenant),
            roles=[role for user, role in setting.roles if user == handle],
            permissions=[marker(tenant)],
            blocked=handle == setting.blocked,
        )
        state.devices.append(Device(handle, f"device-{handle}", marker(tenant), tenant))
        state.events += _events(state.profiles[handle], marker)
    for tenant in (HERE, ELSEWHERE):
        state.events.append(
            Event(tenant, "ROLE_CREATED", None, None, Actor("APPLICATION", SUPPORT), reason=marker(tenant))
        )
    if setting.is_linked:
        state.profiles["dan"].linked_to = "ann"
        state.profiles["ann"].linked.append("dan")
    return state


def _events(profile: Profile, marker: Callable[[str], str]) -> list[Event]:
    """Adds an event of the user's own act and two events of an application. One of these changes only app_metadata."""

    def new() -> str:
        return marker(profile.tenant)

    def act(type_: str, *paths: str) -> Event:
        return Event(
            profile.tenant,
            type_,
            profile.handle,
            profile.user_id,
            Actor("APPLICATION", SUPPORT, new()),
            [(path, new(), new()) for path in paths],
            reason=new(),
            ip=new(),
            user_agent=new(),
            details={"note": new()},
        )

    return [
        Event(profile.tenant, "LOGIN_SUCCEEDED", profile.handle, profile.user_id, ip=new(), user_agent=new()),
        act("USER_METADATA_UPDATED", "user_metadata.old", "app_metadata.old", "roles", "permissions"),
        act("APP_METADATA_UPDATED", "app_metadata.old"),
    ]
