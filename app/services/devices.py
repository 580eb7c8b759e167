"""Devices: records the device of a login, finds a credential that is still valid, and unlinks devices."""

import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from app.domain.commits import Changes
from app.domain.devices import Device, UnlinkDevice
from app.domain.errors import ErrorCode, Refused
from app.domain.filters import Eq
from app.domain.ids import Key
from app.domain.logs import LogEventType
from app.domain.principals import Principal
from app.domain.rules import CREATE_LOGINS, UNLINK_DEVICE, Rule
from app.domain.users import User
from app.services.callers import Callers
from app.services.login_reports import DeviceReport, LoginReport
from app.services.use_cases import requires
from app.services.user_agents import read_user_agent
from app.services.writes import Target, Writes
from app.store.database import new_id
from app.store.devices import DeviceStore
from app.store.users import UserStore

_SHA_256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Devices:
    """Use cases of devices: credentials with which applications continue a user's session without a new login."""

    def __init__(self, writes: Writes, callers: Callers, users: UserStore, devices: DeviceStore) -> None:
        self._writes = writes
        self._callers = callers
        self._users = users
        self._devices = devices

    @requires(CREATE_LOGINS)
    async def find_active(self, principal: Principal | None, rule: Rule, token_hash: str) -> Key | None:
        """Returns the `_id` of the device whose credential has this SHA-256 (64 hexadecimal digits in lower case).

        Returns None when the credential is unknown, revoked or expired, or when its user is blocked. Raises Forbidden,
        and Refused with INVALID_INPUT.
        """
        principal = await self._callers.authorize(principal, rule)
        if not _SHA_256.fullmatch(token_hash):
            message = "tokenHash must be a SHA-256: 64 hexadecimal digits in lower case."
            raise Refused(ErrorCode.INVALID_INPUT, message, ("tokenHash",))
        device = await self._devices.find_active(principal.tenant, token_hash)
        if device is None:
            return None
        # A block can leave the devices of a user in place, so the user is read too.
        user = await self._users.find(principal.tenant, Eq("_id", device["user"]))
        return None if user is None or user.blocked else device["_id"]

    @requires(UNLINK_DEVICE)
    async def unlink(self, principal: Principal | None, rule: Rule, target: Target, device_id: str) -> User:
        """Revokes every credential of the device at once. The profile's version does not change.

        Raises what `Writes.apply` raises, and Refused with NOT_FOUND when the user has no such device.
        """
        unlink = (UnlinkDevice(device_id),)
        changes = Changes(LogEventType.DEVICE_UNLINKED, {}, unlink, details={"deviceId": device_id})
        return await self._writes.apply(principal, rule, target, lambda _: changes)


def to_device(
    report: LoginReport, device: DeviceReport, user: User, location: Mapping[str, Any] | None, at: datetime
) -> Device:
    """Returns the device of a login of this user. `location` is where the IP address of the report is."""
    return Device(
        id=new_id(),
        tenant=user.tenant,
        user=user.id,
        user_id=user.user_id,
        device_id=device.device_id,
        type=device.type,
        name=device.name,
        default_name=read_user_agent(report.user_agent).name,
        client_id=report.client_id,
        client_name=report.client_name,
        token_hash=None if device.token is None else hash_token(device.token),
        created_at=at,
        last_used_at=at,
        expires_at=device.expires_at,
        last_ip=report.ip,
        last_location=location,
        user_agent=report.user_agent,
    )


def hash_token(token: str) -> str:
    """Returns the SHA-256 of a device's credential in hexadecimal. The credential itself is never stored."""
    # A device is found by this hash, so the same credential must always have the same hash: it has no salt.
    return sha256(token.encode()).hexdigest()
