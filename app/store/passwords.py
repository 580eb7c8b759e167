"""Stored password hashes, and counts of wrong passwords and of password changes.

Hashes have their own collection, so that no query of users can return them.
"""

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
    """Finds and upgrades password hashes, and counts attempts and changes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, tenant: str, user: Key) -> Credential | None:
        with driver_errors():
            found = await self._database["credentials"].find_one({"tenant": tenant, "user": user})
        return None if found is None else Credential(found["hash"], found["version"])

    async def find_any_bcrypt_hash(self, tenant: str) -> str | None:
        """Returns the bcrypt hash of any user of the tenant, or None when no user has a bcrypt hash."""
        # The caller compares passwords with it when no user matches, so that the answer takes equally long.
        with driver_errors():
            found = await self._database["credentials"].find_one({"tenant": tenant, "hash": {"$regex": r"^\$2"}})
        return None if found is None else str(found["hash"])

    async def upgrade(self, tenant: str, user: Key, before: str, after: str) -> None:
        """Replaces the hash `before` by a stronger hash of the same password.

        Does nothing when the stored hash is not `before`.
        """
        # The hash is part of the query: a password that was set in the meantime must not be replaced by the old one.
        with driver_errors():
            where = {"tenant": tenant, "user": user, "hash": before}
            await self._database["credentials"].update_one(where, {"$set": {"hash": after}})

    async def count_attempt(self, tenant: str, key: str, at: datetime) -> int:
        """Counts an attempt under this key. Returns the number of attempts in the running 15 minutes."""
        return await self._count("password_tries", {"tenant": tenant, "key": key}, at)

    async def count_change(self, tenant: str, user: Key, at: datetime) -> int:
        """Counts a change of the user's password. Returns the number of changes in the running hour."""
        return await self._count("password_changes", {"tenant": tenant, "user": user}, at)

    async def _count(self, collection: str, where: Mapping[str, Any], at: datetime) -> int:
        counts = self._database[collection]
        with driver_errors():
            found = await counts.find_one_and_update(
                where,
                {"$inc": {"count": 1}, "$setOnInsert": {"recorded_at": at}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
            # A count from the future was stored before the clock was set back. MongoDB would not delete it for long.
            if found["recorded_at"] > at + timedelta(seconds=EXPIRING[collection]):
                await counts.update_one(where, {"$set": {"count": 1, "recorded_at": at}})
                return 1
        return int(found["count"])

    async def forget_attempts(self, tenant: str, keys: list[str]) -> None:
        with driver_errors():
            await self._database["password_tries"].delete_many({"tenant": tenant, "key": {"$in": keys}})


async def set_password(database: Database, session: Any, user: User, given: SetPassword) -> None:
    """Sets the password hash. Raises Conflict when the stored credential does not have the version `given.version`."""
    where = {"tenant": user.tenant, "user": user.id, "version": given.version}
    new = {"hash": given.hash, "version": given.version + 1, "changed_at": now()}
    try:
        result = await database["credentials"].update_one(
            where, {"$set": new}, upsert=given.version == 0, session=session
        )
    except DuplicateKeyError:
        raise Conflict(given) from None
    if not (result.matched_count or result.upserted_id):
        raise Conflict(given)
