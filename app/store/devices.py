"""Devices as documents."""

from collections.abc import Sequence
from typing import Any

from app.domain.devices import RevokeDevices
from app.domain.ids import Key
from app.domain.logs import LogEvent
from app.domain.times import now
from app.domain.users import User
from app.store.database import Database, driver_errors
from app.store.logs import insert_event


class Devices:
    """The credentials that stand. One that is gone was revoked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing(self, tenant: str, token_hash: str) -> dict[str, Any] | None:
        """The document of the device whose credential has this SHA-256, where it has not expired."""
        where = {"tenant": tenant, "token_hash": token_hash}
        with driver_errors():
            found: dict[str, Any] | None = await self._database["devices"].find_one(where)
        return None if found is None or (found.get("expires_at") or now()) < now() else found

    async def remove(self, tenant: str, users: Sequence[Key], device_id: str, event: LogEvent) -> bool:
        """Whether there was one. Its event is written with it."""
        async with self._database.transaction() as session:
            where = {"tenant": tenant, "user": {"$in": users}, "device_id": device_id}
            result = await self._database["devices"].delete_many(where, session=session)
            if result.deleted_count:
                await insert_event(self._database, session, event)
        return bool(result.deleted_count)


async def revoke_devices(database: Database, session: Any, user: User, given: RevokeDevices) -> None:
    theirs: dict[str, Any] = {"tenant": user.tenant, "user": {"$in": user.own()}}
    if given.client_id is not None:
        theirs["client_id"] = given.client_id
    await database["devices"].delete_many(theirs, session=session)
