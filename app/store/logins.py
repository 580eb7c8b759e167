"""What the store keeps of logins apart from profiles: idempotency records and counts of failed logins."""

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
    """Idempotency records and failed logins of every tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_record(self, tenant: str, client: str, key: str) -> IdempotencyRecord | None:
        with driver_errors():
            found = await self._database["login_keys"].find_one({"tenant": tenant, "client": client, "key": key})
        return None if found is None else IdempotencyRecord(**{each: found[each] for each in found if each != "_id"})

    async def count_failure(self, tenant: str, user: Key, ip: str, at: datetime) -> int:
        """Failures from this IP address for this account, with this one."""
        with driver_errors():
            found = await self._database["login_failures"].find_one_and_update(
                {"tenant": tenant, "user": user, "ip": ip},
                {"$inc": {"count": 1}, "$set": {"recorded_at": at}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        return int(found["count"])

    async def count_failures(self, tenant: str, user: Key, ip: str | None = None) -> int:
        """Failures from one IP address, or from the one that failed most."""
        where = {"tenant": tenant, "user": user} if ip is None else {"tenant": tenant, "user": user, "ip": ip}
        with driver_errors():
            found = await self._database["login_failures"].find_one(where, sort=[("count", -1)])
        return 0 if found is None else int(found["count"])


async def put_idempotency_record(database: Database, session: Any, user: User, given: PutIdempotencyRecord) -> None:
    """Raises Conflict when there is one: another request with this key came first."""
    try:
        await database["login_keys"].insert_one(asdict(given.record), session=session)
    except DuplicateKeyError:
        raise Conflict from None


async def forget_failures(database: Database, session: Any, user: User, given: ForgetFailures) -> None:
    theirs: dict[str, Any] = {"tenant": user.tenant, "user": user.id}
    if given.ip is not None:
        theirs["ip"] = given.ip
    await database["login_failures"].delete_many(theirs, session=session)
