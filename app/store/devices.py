"""Stored devices."""

from typing import Any

from pymongo.errors import DuplicateKeyError

from app.domain.devices import MAX_DEVICES, PutDevice, RevokeDevices, UnlinkDevice
from app.domain.times import now
from app.domain.users import User
from app.store.database import Database, driver_errors
from app.store.errors import Conflict, Gone
from app.store.inserts import record_of


class DeviceStore:
    """Finds devices by their credential. Revoking a credential deletes its device, so each stored one is valid."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_active(self, tenant: str, token_hash: str) -> dict[str, Any] | None:
        """Returns the document of the device whose credential has this SHA-256. Returns None if it has expired."""
        where = {"tenant": tenant, "token_hash": token_hash}
        with driver_errors():
            found: dict[str, Any] | None = await self._database["devices"].find_one(where)
        return None if found is None or (found.get("expires_at") or now()) < now() else found


async def revoke_devices(database: Database, session: Any, user: User, given: RevokeDevices) -> None:
    where: dict[str, Any] = {"tenant": user.tenant, "user": {"$in": user.profile_ids()}}
    if given.client_id is not None:
        where["client_id"] = given.client_id
    await database["devices"].delete_many(where, session=session)


async def unlink_device(database: Database, session: Any, user: User, given: UnlinkDevice) -> None:
    """Raises Gone when the user has no device with this id."""
    where = {"tenant": user.tenant, "user": {"$in": user.profile_ids()}, "device_id": given.device_id}
    if not (await database["devices"].delete_many(where, session=session)).deleted_count:
        raise Gone(given)


async def put_device(database: Database, session: Any, user: User, given: PutDevice) -> None:
    """Adds a device, or updates the stored one with the same device id and application.

    With more than MAX_DEVICES of one application, deletes the devices that were unused for the longest time.
    """
    devices, device = database["devices"], given.device
    content = record_of(device)
    first = {name: content.pop(name) for name in ("_id", "created_at")}
    same = {name: getattr(device, name) for name in ("tenant", "user", "client_id", "device_id")}
    update = {"$set": content, "$setOnInsert": first}
    try:
        result = await devices.update_one(same, update, upsert=True, session=session)
    except DuplicateKeyError:
        # Another login inserted the same device at the same moment. The next attempt updates it.
        raise Conflict from None
    if result.upserted_id is None:
        return
    of_application = {name: same[name] for name in ("tenant", "user", "client_id")}
    cursor = devices.find(of_application, {"_id": 1}, session=session).sort([("last_used_at", -1), ("_id", -1)])
    extra = await cursor.skip(MAX_DEVICES).to_list(None)
    if extra:
        await devices.delete_many({**of_application, "_id": {"$in": [each["_id"] for each in extra]}}, session=session)
