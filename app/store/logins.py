"""Stored idempotency records of logins, and counts of failed logins."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.domain.ids import Key
from app.domain.logins import ForgetFailures, IdempotencyRecord, PutIdempotencyRecord
from app.domain.users import User
from app.store.database import Database, driver_errors
from app.store.errors import Conflict


class LoginStore:
    """Finds idempotency records, and counts failed logins."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_record(self, tenant: str, client: str, key: str) -> IdempotencyRecord | None:
        with driver_errors():
            found = await self._database["login_keys"].find_one({"tenant": tenant, "client": client, "key": key})
        return None if found is None else IdempotencyRecord(**{each: found[each] for each in found if each != "_id"})

    async def count_failure(self, tenant: str, user: Key, ip: str, at: datetime) -> int:
        """Counts a failed login and returns the number of failures of this account from this IP address."""
        with driver_errors():
            found = await self._database["login_failures"].find_one_and_update(
                {"tenant": tenant, "user": user, "ip": ip},
                {"$inc": {"count": 1}, "$set": {"recorded_at": at}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        return int(found["count"])

    async def count_failures(self, tenant: str, user: Key, ip: str | None = None) -> int:
        """Returns the number of failures of this account from `ip`.

        Without `ip`, returns the number from the IP address with the most failures.
        """
        where = {"tenant": tenant, "user": user} if ip is None else {"tenant": tenant, "user": user, "ip": ip}
        with driver_errors():
            found = await self._database["login_failures"].find_one(where, sort=[("count", -1)])
        return 0 if found is None else int(found["count"])


async def put_idempotency_record(database: Database, session: Any, user: User, given: PutIdempotencyRecord) -> None:
    """Raises Conflict when a record with this key exists: another request with the key committed first."""
    try:
        # The caller tries again and then finds the record, so a repeated login counts once.
        await database["login_keys"].insert_one(asdict(given.record), session=session)
    except DuplicateKeyError:
        raise Conflict from None


async def forget_failures(database: Database, session: Any, user: User, given: ForgetFailures) -> None:
    """Deletes the counts of the user from one IP address, or from all when `given.ip` is None."""
    where: dict[str, Any] = {"tenant": user.tenant, "user": user.id}
    if given.ip is not None:
        where["ip"] = given.ip
    await database["login_failures"].delete_many(where, session=session)
