"""Devices: whether a credential is in force, and unlinking it."""

import re

from app.domain.commits import Changes
from app.domain.devices import UnlinkDevice
from app.domain.errors import ErrorCode, Refused
from app.domain.filters import Eq
from app.domain.ids import Key
from app.domain.logs import LogEventType
from app.domain.principals import Principal
from app.domain.rules import CREATE_LOGINS, UNLINK_DEVICE, Rule
from app.domain.users import User
from app.services.callers import Callers
from app.services.use_cases import requires
from app.services.writes import Target, Writes
from app.store.devices import DeviceStore
from app.store.users import UserStore

_SHA_256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Devices:
    """What a user's applications go on with."""

    def __init__(self, writes: Writes, callers: Callers, users: UserStore, devices: DeviceStore) -> None:
        self._writes = writes
        self._callers = callers
        self._users = users
        self._devices = devices

    @requires(CREATE_LOGINS)
    async def find_active(self, principal: Principal | None, rule: Rule, token_hash: str) -> Key | None:
        """The `_id` of the device whose credential has this SHA-256 (64 hexadecimal digits).

        None when it was revoked, has expired, or its user is blocked.
        """
        principal = await self._callers.authorize(principal, rule)
        if not _SHA_256.fullmatch(token_hash):
            message = "tokenHash is a SHA-256: 64 hexadecimal digits in lower case."
            raise Refused(ErrorCode.INVALID_INPUT, message, ("tokenHash",))
        device = await self._devices.find_active(principal.tenant, token_hash)
        if device is None:
            return None
        user = await self._users.find(principal.tenant, Eq("_id", device["user"]))
        return None if user is None or user.blocked else device["_id"]

    @requires(UNLINK_DEVICE)
    async def unlink(self, principal: Principal | None, rule: Rule, target: Target, device_id: str) -> User:
        """Revokes every credential of the device at once. Refused with NOT_FOUND when there is none.

        Raises what `Writes.apply` does. The profile's version stays.
        """
        unlink = (UnlinkDevice(device_id),)
        changes = Changes(LogEventType.DEVICE_UNLINKED, {}, unlink, details={"deviceId": device_id})
        return await self._writes.apply(principal, rule, target, lambda _: changes)
