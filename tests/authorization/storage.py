"""Writes the oracle's state to the database, and reads documents in a form that can be compared with the state."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.auth.development import load_secret
from app.domain.devices import Device, DeviceType
from app.domain.identifiers import fold
from app.domain.logs import Actor, FieldChange, LogEvent, LogEventType
from app.domain.times import now
from app.domain.users import Identity, User
from app.store.database import Database, new_id
from app.store.inserts import record_of
from app.store.logs import to_document as event_to_document
from app.store.token_cipher import TokenCipher
from app.store.users import to_document
from tests.authorization.state import Event, Profile, State

CONNECTION = "db"
API = "urn:test"
# No caller may ever see this text.
SECRET = "k-secret-k"


class Storage:
    """The documents of both tenants of one sequence. `tenants` are the names of the tenants in the database."""

    def __init__(self, database: Database, data_dir: Path, tenants: Mapping[str, str]) -> None:
        self._database = database
        self._cipher = TokenCipher(load_secret(data_dir))
        self._tenants = tenants
        # The `_id`s: of profiles, devices and roles by handle, and of events by their index in the state.
        self.ids: dict[tuple[str, Any], Any] = {}

    def id(self, kind: str, handle: Any) -> Any:
        return self.ids.setdefault((kind, handle), new_id())

    async def put(self, state: State) -> None:
        at = now()
        connections = [
            {"tenant": each, "name": CONNECTION, "strategy": "auth0", "sync_root_attributes": "ON_EACH_LOGIN"}
            for each in self._tenants.values()
        ]
        documents = {
            "connections": connections,
            "roles": [self._role(state, each) for each in state.roles],
            "users": [self._user(state, each, at - timedelta(minutes=n)) for n, each in enumerate(state.profiles)],
            "devices": [self._device(state, index, at) for index in range(len(state.devices))],
            "log_events": [self._event(state, n, at - timedelta(minutes=n)) for n in range(len(state.events))],
        }
        for name, some in documents.items():
            await self._database[name].insert_many(some)

    def _role(self, state: State, handle: str) -> dict[str, Any]:
        role = state.roles[handle]
        return {
            "_id": self.id("Role", handle),
            "tenant": self._tenants[role.tenant],
            "role_id": role.role_id,
            "name": role.name,
            "name_folded": fold(role.name),
            "permissions": [{"api": API, "name": role.permission}],
        }

    def _user(self, state: State, handle: str, at: Any) -> dict[str, Any]:
        profile = state.profiles[handle]
        user = User(
            id=self.id("User", handle),
            tenant=self._tenants[profile.tenant],
            user_id=profile.user_id,
            name=profile.name,
            email=profile.email,
            user_metadata=profile.user_metadata,
            app_metadata=profile.app_metadata,
            identities=(self._identity(profile), *(self._linked(state.profiles[each]) for each in profile.linked)),
            role_ids=tuple(self.id("Role", each) for each in profile.roles),
            permissions=tuple({"api": API, "name": each} for each in profile.permissions),
            blocked=profile.blocked,
            linked_to=self.id("User", profile.linked_to) if profile.linked_to else None,
            created_at=at,
            updated_at=at,
        )
        return to_document(user)

    def _identity(self, profile: Profile, **more: Any) -> Identity:
        sent = {**profile.profile_data, "access_token": SECRET, "app_metadata": {"x": SECRET}}
        return Identity(
            provider="auth0",
            connection=CONNECTION,
            user_id=profile.handle,
            profile_data=json.dumps(sent),
            access_token=self._cipher.encrypt(profile.token),
            **more,
        )

    def _linked(self, profile: Profile) -> Identity:
        return self._identity(profile, origin=self.id("User", profile.handle), origin_user_id=profile.user_id)

    def _device(self, state: State, index: int, at: Any) -> dict[str, Any]:
        device = state.devices[index]
        stored = Device(
            id=self.id("Device", device.device_id),
            tenant=self._tenants[device.tenant],
            user=self.id("User", device.owner),
            user_id=state.profiles[device.owner].user_id,
            device_id=device.device_id,
            name=device.name,
            type=DeviceType.REFRESH_TOKEN,
            created_at=at,
            last_used_at=at,
        )
        return record_of(stored)

    def _event(self, state: State, index: int, at: Any) -> dict[str, Any]:
        event = state.events[index]
        stored = LogEvent(
            id=self.id("LogEvent", index),
            tenant=self._tenants[event.tenant],
            type=LogEventType(event.type),
            date=at,
            recorded_at=at,
            user=self.id("User", event.about) if event.about else None,
            user_id=event.user_id,
            actor=Actor(event.actor.kind, event.actor.id, event.actor.name) if event.actor else None,
            ip=event.ip,
            user_agent=event.user_agent,
            changes=tuple(FieldChange(*each) for each in event.changes),
            reason=event.reason,
            details=event.details,
        )
        return event_to_document(stored)

    # ---------------------------------------------------------------- comparing

    async def read(self) -> dict[str, list[Any]]:
        where = {"tenant": {"$in": list(self._tenants.values())}}
        names = ("users", "devices", "log_events")
        return {name: await self._database[name].find(where).to_list(None) for name in names}

    def stored(self, found: dict[str, list[Any]]) -> dict[str, Any]:
        """Returns the content of the database, with the names of the state."""
        handles = {id: handle for (kind, handle), id in self.ids.items() if kind in ("User", "Role")}
        users = {handles[each["_id"]]: _stored_user(each, handles) for each in found["users"]}
        devices = {each["device_id"]: handles[each["user"]] for each in found["devices"]}
        events = sorted((_stored_event(each, handles) for each in found["log_events"]), key=_text)
        return {"users": users, "devices": devices, "events": events}


def expected(state: State) -> dict[str, Any]:
    """Returns the content that the database should have."""
    users = {handle: _expected_user(each) for handle, each in state.profiles.items()}
    devices = {each.device_id: each.owner for each in state.devices}
    return {"users": users, "devices": devices, "events": sorted(map(_expected_event, state.events), key=_text)}


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _stored_user(document: dict[str, Any], handles: dict[Any, str]) -> dict[str, Any]:
    linked_to = document.get("linked_to")
    return {
        "version": document["version"],
        "name": document["name"],
        "user_metadata": document.get("user_metadata", {}),
        "app_metadata": document.get("app_metadata", {}),
        "roles": [handles[each] for each in document.get("role_ids", [])],
        "permissions": [each["name"] for each in document.get("permissions", [])],
        "blocked": document.get("blocked", False),
        "linked_to": linked_to and handles[linked_to],
        "identities": [each["user_id"] for each in document["identities"]],
    }


def _expected_user(profile: Profile) -> dict[str, Any]:
    names = ("version", "name", "user_metadata", "app_metadata", "roles", "permissions", "blocked", "linked_to")
    return {name: getattr(profile, name) for name in names} | {"identities": [profile.handle, *profile.linked]}


def _stored_event(document: dict[str, Any], handles: dict[Any, str]) -> dict[str, Any]:
    told = document.get("changes", [])
    changes = sorted(([each["path"], each.get("before"), each.get("after")] for each in told), key=_text)
    shown = {name: document.get(name) for name in ("type", "reason", "user_agent", "details", "user_id")}
    return {**shown, "about": handles.get(document.get("user")), "actor": document.get("actor"), "changes": changes}


def _expected_event(event: Event) -> dict[str, Any]:
    shown = {name: getattr(event, name) for name in ("type", "reason", "user_agent", "details", "user_id", "about")}
    actor = event.actor and {"kind": event.actor.kind, "id": event.actor.id, "name": event.actor.name}
    return {**shown, "actor": actor, "changes": sorted([list(each) for each in event.changes], key=_text)}
