"""Devices: credentials by which an application goes on for a user without a new login."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.domain.commits import SideEffect
from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key

MAX_DEVICES = 200
MAX_NAME = 300


class DeviceType(StrEnum):
    """What the credential is."""

    REFRESH_TOKEN = "REFRESH_TOKEN"  # noqa: S105
    ROTATING_REFRESH_TOKEN = "ROTATING_REFRESH_TOKEN"  # noqa: S105
    PUBLIC_KEY = "PUBLIC_KEY"


@dataclass(frozen=True, slots=True)
class RevokeDevices(SideEffect):
    """Takes the user's devices away, and those of what is linked to them; with `client_id`, of that application."""

    client_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """As stored. `user` is the profile's `_id`; of a credential only its SHA-256 is kept, as `token_hash`.

    `name` is what the login service called it, `default_name` its browser and system.
    """

    id: Key
    tenant: str
    user: Key
    user_id: str
    device_id: str
    type: DeviceType
    created_at: datetime
    last_used_at: datetime
    name: str | None = None
    default_name: str | None = None
    client_id: str | None = None
    client_name: str | None = None
    token_hash: str | None = None
    expires_at: datetime | None = None
    last_ip: str | None = None
    last_location: Any = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class PutDevice(SideEffect):
    """Records the device of a login, in the place of the same device of the same application."""

    device: Device


@dataclass(frozen=True, slots=True)
class UnlinkDevice(SideEffect):
    """Deletes every credential of the device."""

    device_id: str

    def refusal(self) -> Refused:
        return Refused(ErrorCode.NOT_FOUND, "The user has no such device.", ("deviceId",))
