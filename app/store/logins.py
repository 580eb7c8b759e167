"""Logins as documents: profile, event, device and idempotency key, in one transaction."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.domain.devices import MAX_DEVICES, Device
from app.domain.ids import Key
from app.domain.logs import LogEvent
from app.domain.users import User
from app.store.connections import hold_connection
from app.store.database import Database, WriteConflict, driver_errors
from app.store.documents import document_of
from app.store.logs import insert_event
from app.store.users import to_document, to_update


@dataclass(frozen=True, slots=True)
class Answered:
    """What a login with this idempotency key came to, and the hash of its input."""

    tenant: str
    client: str
    key: str
    hash: str
    user: Key
    created: bool
    event: Key
    recorded_at: datetime


class Logins:
    """Writes of logins, and of what failed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def answered(self, tenant: str, client: str, key: str) -> Answered | None:
        with driver_errors():
            found = await self._database["login_keys"].find_one({"tenant": tenant, "client": client, "key": key})
        return None if found is None else Answered(**{name: each for name, each in found.items() if name != "_id"})

    async def write(
        self, before: User | None, after: User, event: LogEvent, device: Device | None, answered: Answered | None
    ) -> bool:
        """False, and nothing written, where another came first: of the profile, its keys, or the idempotency key.

        Counters are added to, so that logins side by side are all counted.
        """
        try:
            async with self._database.transaction() as session:
                if before is None:
                    await hold_connection(self._database, session, after.tenant, after.identities[0].connection)
                    await self._database["users"].insert_one(to_document(after), session=session)
                else:
                    where = {"_id": before.id, "tenant": before.tenant, "version": before.version}
                    result = await self._database["users"].update_one(where, _update(before, after), session=session)
                    if not result.matched_count:
                        raise WriteConflict
                await insert_event(self._database, session, event)
                if answered is not None:
                    await self._database["login_keys"].insert_one(asdict(answered), session=session)
                if device is not None:
                    await self._put_device(device, session)
        except (WriteConflict, DuplicateKeyError):
            return False
        return True

    async def _put_device(self, device: Device, session: Any) -> None:
        """The same device of the same application is one; beyond MAX_DEVICES of it the one longest unused goes."""
        devices = self._database["devices"]
        content = document_of(device)
        first = {name: content.pop(name) for name in ("_id", "created_at")}
        same = {name: getattr(device, name) for name in ("tenant", "user", "client_id", "device_id")}
        result = await devices.update_one(same, {"$set": content, "$setOnInsert": first}, upsert=True, session=session)
        if result.upserted_id is None:
            return
        one = {name: same[name] for name in ("tenant", "user", "client_id")}
        cursor = devices.find(one, {"_id": 1}, session=session).sort([("last_used_at", -1), ("_id", -1)])
        extra = await cursor.skip(MAX_DEVICES).to_list(None)
        if extra:
            await devices.delete_many({"_id": {"$in": [each["_id"] for each in extra]}}, session=session)

    async def add_event(self, event: LogEvent) -> None:
        """One that changes no profile."""
        with driver_errors():
            await insert_event(self._database, None, event)

    async def count_failure(self, tenant: str, user: Key, ip: str, at: datetime) -> int:
        """Failures from this address for this account, with this one."""
        with driver_errors():
            found = await self._database["login_failures"].find_one_and_update(
                {"tenant": tenant, "user": user, "ip": ip},
                {"$inc": {"count": 1}, "$set": {"recorded_at": at}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        return int(found["count"])

    async def failures(self, tenant: str, user: Key, ip: str) -> int:
        with driver_errors():
            found = await self._database["login_failures"].find_one({"tenant": tenant, "user": user, "ip": ip})
        return 0 if found is None else int(found["count"])

    async def forget_failures(self, tenant: str, user: Key, ip: str | None = None) -> bool:
        """Of one address, or of all. Whether there were any."""
        where = {"tenant": tenant, "user": user} if ip is None else {"tenant": tenant, "user": user, "ip": ip}
        with driver_errors():
            return bool((await self._database["login_failures"].delete_many(where)).deleted_count)


def _update(before: User, after: User) -> Mapping[str, Any]:
    update = to_update(to_document(before), to_document(after))
    counted = update.get("$set", {})
    counted.pop("logins_count", None)
    update["$inc"] = {"logins_count": 1}
    if "last_login" in counted:
        update["$max"] = {"last_login": counted.pop("last_login")}
    return {operator: names for operator, names in update.items() if names}
