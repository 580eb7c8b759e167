"""Stored password hashes, in a collection of their own, and the counters of wrong passwords and of changes."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.domain.ids import Key
from app.domain.passwords import Credential, SetPassword
from app.domain.times import now
from app.domain.users import User
from app.store.database import Database, driver_errors
from app.store.errors import Conflict
from app.store.indexes import EXPIRING


class CredentialStore:
    """Hashes of passwords, one for each user that has one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, tenant: str, user: Key) -> Credential | None:
        with driver_errors():
            found = await self._database["credentials"].find_one({"tenant": tenant, "user": user})
        return None if found is None else Credential(found["hash"], found["version"])

    async def any_bcrypt(self, tenant: str) -> str | None:
        """Anybody's bcrypt hash, where there is still one."""
        with driver_errors():
            found = await self._database["credentials"].find_one({"tenant": tenant, "hash": {"$regex": r"^\$2"}})
        return None if found is None else str(found["hash"])

    async def upgrade(self, tenant: str, user: Key, before: str, after: str) -> None:
        """The same password under a better hash; nothing where it was set anew meanwhile."""
        with driver_errors():
            one = {"tenant": tenant, "user": user, "hash": before}
            await self._database["credentials"].update_one(one, {"$set": {"hash": after}})

    async def count_try(self, tenant: str, key: str, at: datetime) -> int:
        """Tries under this key until it is forgotten, with this one."""
        return await self._count("password_tries", {"tenant": tenant, "key": key}, at)

    async def count_change(self, tenant: str, user: Key, at: datetime) -> int:
        """Changes of this user's password in the running hour, with this one."""
        return await self._count("password_changes", {"tenant": tenant, "user": user}, at)

    async def _count(self, collection: str, one: Mapping[str, Any], at: datetime) -> int:
        """Counts from far in the future are forgotten: they are from before the clock was set back."""
        counts = self._database[collection]
        with driver_errors():
            found = await counts.find_one_and_update(
                one,
                {"$inc": {"count": 1}, "$setOnInsert": {"recorded_at": at}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
            if found["recorded_at"] > at + timedelta(seconds=EXPIRING[collection]):
                await counts.update_one(one, {"$set": {"count": 1, "recorded_at": at}})
                return 1
        return int(found["count"])

    async def forget_tries(self, tenant: str, keys: list[str]) -> None:
        with driver_errors():
            await self._database["password_tries"].delete_many({"tenant": tenant, "key": {"$in": keys}})


async def set_password(database: Database, session: Any, user: User, given: SetPassword) -> None:
    """Raises Conflict when another password was set since `given.version`."""
    one = {"tenant": user.tenant, "user": user.id, "version": given.version}
    new = {"hash": given.hash, "version": given.version + 1, "changed_at": now()}
    try:
        result = await database["credentials"].update_one(
            one, {"$set": new}, upsert=given.version == 0, session=session
        )
    except DuplicateKeyError:
        raise Conflict(given) from None
    if not (result.matched_count or result.upserted_id):
        raise Conflict(given)
