"""Devices: credentials with which an application keeps a user signed in without a new login."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.domain.commits import SideEffect
from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key

# Maximum number of devices of one user and application. The store deletes the ones that were unused for longest.
MAX_DEVICES = 200
# Maximum length of a name in characters.
MAX_NAME = 300


class DeviceType(StrEnum):
    """The type of a credential."""

    REFRESH_TOKEN = "REFRESH_TOKEN"  # noqa: S105
    ROTATING_REFRESH_TOKEN = "ROTATING_REFRESH_TOKEN"  # noqa: S105
    PUBLIC_KEY = "PUBLIC_KEY"


@dataclass(frozen=True, slots=True)
class RevokeDevices(SideEffect):
    """Deletes the devices of the user and of the linked profiles; with `client_id`, only those of the application."""

    client_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A stored device. `user` is the `_id` of the profile. `token_hash` is the SHA-256 of the credential.

    `name` is the name from the login service. `default_name` is the browser and the operating system.
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
    """Stores the device of a login. Replaces the stored device with the same device id and application."""

    device: Device


@dataclass(frozen=True, slots=True)
class UnlinkDevice(SideEffect):
    """Deletes every credential of the device."""

    device_id: str

    def refusal(self) -> Refused:
        return Refused(ErrorCode.NOT_FOUND, "The user has no device with this deviceId.", ("deviceId",))
