"""Derives what search needs for the profiles that an older version of this service stored.

The service answers requests in the meantime. Its own writes derive the same fields, so that both meet in the middle.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pymongo import UpdateOne

from app.domain.search_terms import SEARCH_VERSION
from app.store.database import Database, driver_errors, no_time_limit
from app.store.users import derive_search_fields

_BATCH = 500
_META = {"_id": "search"}
_OLD = {"search_version": {"$ne": SEARCH_VERSION}}


async def is_search_complete(database: Database) -> bool:
    """Whether every profile has what search needs. A database without old profiles is marked as complete."""
    with driver_errors(), no_time_limit():
        known = await database["meta"].find_one(_META)
        if known is not None and known["version"] >= SEARCH_VERSION:
            return True
        # This reads every profile once, because no index has the version.
        if await database["users"].find_one(_OLD, {"_id": 1}) is not None:
            return False
        await database["meta"].update_one(_META, {"$set": {"version": SEARCH_VERSION}}, upsert=True)
        return True


async def count_old_profiles(database: Database) -> int:
    """The number of profiles that an older version stored."""
    with driver_errors(), no_time_limit():
        found: int = await database["users"].count_documents(_OLD)
        return found


async def migrate_search(database: Database, tell: Callable[[int], None] = lambda _: None) -> int:
    """Updates every old profile and returns their number. It can be stopped and repeated. `tell` hears the number of
    profiles of each batch.
    """
    total = 0
    while not await is_search_complete(database):
        # A profile that another writer changes during its batch stays old, and is read again in the next pass.
        total += await _derive_once(database, tell)
    return total


async def _derive_once(database: Database, tell: Callable[[int], None]) -> int:
    users, total, updates = database["users"], 0, list[UpdateOne]()
    with driver_errors(), no_time_limit():
        async for document in users.find(_OLD).sort("_id", 1):
            updates.append(_update(document))
            if len(updates) == _BATCH:
                total += await _write(users, updates, tell)
                updates = []
        return total + await _write(users, updates, tell)


def _update(document: Mapping[str, Any]) -> UpdateOne:
    # A write changes the version, except for a login and the removal of a deleted role. Those change these two fields.
    unchanged = {name: document.get(name) for name in ("version", "last_ip", "role_ids")}
    return UpdateOne({"_id": document["_id"], **unchanged, **_OLD}, {"$set": derive_search_fields(document)})


async def _write(users: Any, updates: list[UpdateOne], tell: Callable[[int], None]) -> int:
    if not updates:
        return 0
    written = int((await users.bulk_write(updates, ordered=False)).modified_count)
    tell(written)
    return written
