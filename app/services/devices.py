"""Devices: whether a credential stands, and unlinking it."""

import re

from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key
from app.domain.logs import LogEventType
from app.domain.principals import Principal
from app.domain.rules import CREATE_LOGINS, UNLINK_DEVICE
from app.domain.users import Changes, User
from app.services.callers import Callers
from app.services.changes import ProfileChanges, Target, to_event
from app.store.devices import Devices as StoredDevices
from app.store.users import Users

_SHA_256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Devices:
    """What a user's applications go on with."""

    def __init__(self, changes: ProfileChanges, callers: Callers, users: Users, devices: StoredDevices) -> None:
        self._changes = changes
        self._callers = callers
        self._users = users
        self._devices = devices

    async def standing(self, principal: Principal | None, token_hash: str) -> Key | None:
        """The `_id` of the device whose credential has this SHA-256 (64 hexadecimal digits) and still stands.

        None where it was revoked, has expired, or is a blocked user's.
        """
        principal = await self._callers.authorize(principal, CREATE_LOGINS)
        if not _SHA_256.fullmatch(token_hash):
            message = "tokenHash is a SHA-256: 64 hexadecimal digits in lower case."
            raise Refused(ErrorCode.INVALID_INPUT, message, ("tokenHash",))
        device = await self._devices.standing(principal.tenant, token_hash)
        if device is None:
            return None
        user = await self._users.find({"tenant": principal.tenant, "_id": device["user"]})
        return None if user is None or user.blocked else device["_id"]

    async def unlink(self, principal: Principal | None, target: Target, device_id: str) -> User:
        """Revokes every credential of the device at once. Refused with NOT_FOUND where there is none.

        Raises what `ProfileChanges.find` does. The profile's version stays.
        """
        principal, user = await self._changes.find(principal, UNLINK_DEVICE, target)
        changes = Changes(LogEventType.DEVICE_UNLINKED, {}, details={"deviceId": device_id})
        event = to_event(principal, user, changes, target.reason, ())
        if not await self._devices.remove(principal.tenant, user.own(), device_id, event):
            raise Refused(ErrorCode.NOT_FOUND, "The user has no such device.", ("deviceId",))
        return user
