"""Inserts log events, and limits the size of the history of each user.

A stored counter estimates the size of a history. Each process adds up the bytes that it inserts and adds the sum to the
counter in steps, so that most writes need no further database command. Only when the counter exceeds the limit, the
history is measured and its oldest events are deleted.
"""

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from functools import partial
from typing import Any

import bson
from pymongo import ReturnDocument
from pymongo.errors import PyMongoError

from app.domain.attributes.users import root_of
from app.domain.errors import Unavailable
from app.domain.ids import Key
from app.domain.logs import Actor, FieldChange, LogEvent, LogEventType, bounded
from app.domain.times import now
from app.store.database import Database, new_id
from app.store.errors import Conflict

logger = logging.getLogger("profile_api")
_FIELDS = tuple(field.name for field in fields(LogEvent) if field.name != "id")
# The share of the limit that remains after events were deleted. With the whole limit, the next event would exceed it.
_REMAINING_SHARE = 0.9
# How much a process inserts before it updates the counter, as a share of the limit.
_STEP = 1 / 10_000
# Maximum number of events that one call deletes. If a history is still too large, the next events continue the work.
MAX_DROPPED = 5_000
# Maximum number of users in `_pending`.
MAX_PENDING = 10_000
_DROPPED = str(LogEventType.LOG_EVENTS_DROPPED)
# Bytes that this process inserted and has not added to the counter yet, by tenant and user. A lost entry does no harm:
# the counter is an estimate, and `_measure` finds the true size.
_pending: "OrderedDict[tuple[str, Key], int]" = OrderedDict()


def to_document(event: LogEvent) -> dict[str, Any]:
    """Returns the document of an event. Empty fields are left out."""
    event = bounded(event)
    # `roots` are the top-level attributes that changed. A list is narrowed by them to what its reader may see.
    document = {name: getattr(event, name) for name in _FIELDS}
    document |= {
        "_id": event.id,
        "actor": event.actor and asdict(event.actor),
        "changes": [_change(each) for each in event.changes],
        "roots": sorted({root_of(each.path) for each in event.changes}),
    }
    return {name: value for name, value in document.items() if value not in (None, [], {})}


def _change(change: FieldChange) -> dict[str, Any]:
    return {name: value for name, value in asdict(change).items() if value is not None}


async def insert_event(database: Database, session: Any, event: LogEvent) -> None:
    """Inserts an event, in the transaction of `session` if there is one."""
    document = to_document(event)
    await database["log_events"].insert_one(document, session=session)
    if event.user is not None:
        # After the commit: inside, all transactions of one user would conflict on the counter.
        size = len(bson.encode(document))
        await database.after_commit(session, partial(_count, database, event.tenant, event.user, size))


async def _count(database: Database, tenant: str, user: Key, size: int) -> None:
    """Adds `size` bytes to the history of the user, and deletes the oldest events when it is too large.

    Never raises for a database error: the event is committed, and its writer must not get an error for this work.
    """
    pending = _pending.pop((tenant, user), 0) + size
    if pending < database.log_max_bytes * _STEP:
        _pending[tenant, user] = pending
        if len(_pending) > MAX_PENDING:
            _pending.popitem(last=False)
        return
    try:
        counted = await database["log_sizes"].find_one_and_update(
            {"tenant": tenant, "user": user},
            {"$inc": {"bytes": pending}, "$set": {"recorded_at": now()}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        if counted["bytes"] > database.log_max_bytes:
            await drop_oldest(database, tenant, user)
    except Conflict:
        return  # Another process deletes the events at the same moment.
    except (PyMongoError, Unavailable) as error:
        logger.warning("the size of a user's history could not be checked: %s", type(error).__name__)


async def drop_oldest(database: Database, tenant: str, user: Key) -> int:
    """Measures the history of a user and deletes its oldest events when it is too large. Returns how many it deleted.

    One LOG_EVENTS_DROPPED event in the history records how many events were deleted so far, and the date of the newest.
    """
    events, where = database["log_events"], {"tenant": tenant, "user": user}
    count, size = await _measure(database, where)
    dropped: list[Mapping[str, Any]] = []
    if size > database.log_max_bytes and count > 1:
        fields = {"date": 1, "size": {"$bsonSize": "$$ROOT"}}
        # The newest event stays, however large it is.
        others = {**where, "type": {"$ne": _DROPPED}}
        oldest = events.find(others, fields).sort([("date", 1), ("_id", 1)]).limit(min(count - 1, MAX_DROPPED))
        async for each in oldest:
            if size <= database.log_max_bytes * _REMAINING_SHARE:
                break
            dropped.append(each)
            size -= each["size"]
    if dropped:
        await _drop(database, tenant, user, dropped)
    await database["log_sizes"].update_one(where, {"$set": {"bytes": size}})
    return len(dropped)


async def _measure(database: Database, where: Mapping[str, Any]) -> tuple[int, int]:
    """Returns the number of events that may be deleted, and the size of all events in bytes."""
    # The counter is not enough: it does not decrease when MongoDB deletes expired events.
    is_other = {"$cond": [{"$ne": ["$type", _DROPPED]}, 1, 0]}
    total = {"$group": {"_id": None, "count": {"$sum": is_other}, "bytes": {"$sum": {"$bsonSize": "$$ROOT"}}}}
    found = await database["log_events"].aggregate([{"$match": where}, total]).to_list(None)
    return (int(found[0]["count"]), int(found[0]["bytes"])) if found else (0, 0)


async def _drop(database: Database, tenant: str, user: Key, dropped: Sequence[Mapping[str, Any]]) -> None:
    events, where = database["log_events"], {"tenant": tenant, "user": user}
    async with database.transaction() as session:
        ids = [each["_id"] for each in dropped]
        count = (await events.delete_many({**where, "_id": {"$in": ids}}, session=session)).deleted_count
        # Earlier deletions are added up, so that the history has only one event about all of them.
        earlier = {**where, "type": _DROPPED}
        async for each in events.find(earlier, {"details": 1}, session=session):
            count += each.get("details", {}).get("count", 0)
        await events.delete_many(earlier, session=session)
        until = max(each["date"] for each in dropped)
        await events.insert_one(to_document(_dropped_event(tenant, user, count, until)), session=session)


def _dropped_event(tenant: str, user: Key, count: int, until: datetime) -> LogEvent:
    """Makes the event about deleted events. Its date is that of the newest one, so the history begins with it."""
    return LogEvent(
        id=new_id(),
        tenant=tenant,
        type=LogEventType.LOG_EVENTS_DROPPED,
        date=until,
        recorded_at=now(),
        user=user,
        actor=Actor("SYSTEM", "profile-api"),
        details={"count": count},
    )
