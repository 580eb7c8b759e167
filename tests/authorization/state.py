"""The state of the oracle: profiles, roles, devices and events of both tenants. This module imports nothing of `app`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

HERE, ELSEWHERE = "here", "elsewhere"


@dataclass
class Access:
    """The access of a profile when an account was linked to it. None for a kind of access that the profile got from it."""

    app_metadata: dict[str, Any] | None = None
    roles: list[str] | None = None
    permissions: list[str] | None = None


@dataclass
class Profile:
    """A profile. `handle` is its name in these tests. `linked` are the handles of its linked accounts, which no one sees."""

    handle: str
    tenant: str
    user_id: str
    name: str
    email: str
    user_metadata: dict[str, Any]
    app_metadata: dict[str, Any]
    profile_data: dict[str, Any]
    token: str
    roles: list[str] = field(default_factory=list)
    permissions: list[str] = field(default_factory=list)
    blocked: bool = False
    version: int = 1
    linked_to: str | None = None
    linked: list[str] = field(default_factory=list)
    access: Access | None = None


@dataclass
class Role:
    handle: str
    role_id: str
    tenant: str
    name: str
    permission: str


@dataclass
class Device:
    owner: str
    device_id: str
    name: str
    tenant: str


@dataclass
class Actor:
    kind: str
    id: str
    name: str | None = None


@dataclass
class Event:
    """A log event. `about` is a handle, and `changes` are (path, before, after). `actor` is None for the user's own act."""

    tenant: str
    type: str
    about: str | None
    user_id: str | None
    actor: Actor | None = None
    changes: list[tuple[str, Any, Any]] = field(default_factory=list)
    reason: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    details: dict[str, Any] | None = None


@dataclass
class State:
    """All objects of both tenants. Profiles and roles are stored by handle."""

    profiles: dict[str, Profile] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    devices: list[Device] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def find(self, tenant: str, user_id: str) -> Profile | None:
        """Returns whether the profile exists and is not linked to another one."""
        for each in self.visible(tenant):
            if each.user_id == user_id:
                return each
        return None

    def visible(self, tenant: str) -> Iterator[Profile]:
        return (each for each in self.profiles.values() if each.tenant == tenant and each.linked_to is None)

    def own(self, handle: str | None) -> set[str]:
        """Returns the handles of a profile and of its linked accounts."""
        return set() if handle is None else {handle, *self.profiles[handle].linked}
