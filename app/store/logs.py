"""Log events as documents, and how many bytes of them are kept of one user.

Every event is inserted here. What a user's history takes is estimated by a counter, so that most writes need no command
more: each process adds up what it inserts, and adds it to the counter in steps. Only when the counter says that the
history is too large, it is measured and its oldest events are dropped.
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
# A history that is too large is brought down to this share of what it may take, so that it is seldom measured.
_KEPT = 0.9
# Of what a history may take: what a process may have inserted that the counter does not know yet.
_STEP = 1 / 10_000
# At once. A history that is larger by more shrinks with the next events.
MAX_DROPPED = 5_000
MAX_PENDING = 10_000
_DROPPED = str(LogEventType.LOG_EVENTS_DROPPED)
# What processes inserted and did not add to the counter yet, by tenant and user. Losing an entry does no harm.
_pending: "OrderedDict[tuple[str, Key], int]" = OrderedDict()


def to_document(event: LogEvent) -> dict[str, Any]:
    """`roots` are the attributes that changed, by which a list is narrowed to what its reader may see."""
    event = bounded(event)
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
    """In the transaction of `session`, or in none. When that is committed, old events of the user may be dropped."""
    document = to_document(event)
    await database["log_events"].insert_one(document, session=session)
    if event.user is not None:
        size = len(bson.encode(document))
        await database.after_commit(session, partial(_count, database, event.tenant, event.user, size))


async def _count(database: Database, tenant: str, user: Key, size: int) -> None:
    """Never fails: the event is written, and its writer has nothing to do with the size of the history."""
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
        return  # Another writer drops them.
    except (PyMongoError, Unavailable) as error:
        logger.warning("the size of a history could not be checked: %s", type(error).__name__)


async def drop_oldest(database: Database, tenant: str, user: Key) -> int:
    """Measures a user's history and drops its oldest events when it is too large. Returns how many it dropped.

    One event in the history tells how many were dropped, now and before, and until when.
    """
    events, theirs = database["log_events"], {"tenant": tenant, "user": user}
    count, size = await _measure(database, theirs)
    dropped: list[Mapping[str, Any]] = []
    if size > database.log_max_bytes and count > 1:
        fields = {"date": 1, "size": {"$bsonSize": "$$ROOT"}}
        # The newest event stays, however large it is.
        others = {**theirs, "type": {"$ne": _DROPPED}}
        oldest = events.find(others, fields).sort([("date", 1), ("_id", 1)]).limit(min(count - 1, MAX_DROPPED))
        async for each in oldest:
            if size <= database.log_max_bytes * _KEPT:
                break
            dropped.append(each)
            size -= each["size"]
    if dropped:
        await _drop(database, tenant, user, dropped)
    await database["log_sizes"].update_one(theirs, {"$set": {"bytes": size}})
    return len(dropped)


async def _measure(database: Database, theirs: Mapping[str, Any]) -> tuple[int, int]:
    """How many events can be dropped and how many bytes all take. Events expire too: the counter alone says nothing."""
    is_other = {"$cond": [{"$ne": ["$type", _DROPPED]}, 1, 0]}
    total = {"$group": {"_id": None, "count": {"$sum": is_other}, "bytes": {"$sum": {"$bsonSize": "$$ROOT"}}}}
    found = await database["log_events"].aggregate([{"$match": theirs}, total]).to_list(None)
    return (int(found[0]["count"]), int(found[0]["bytes"])) if found else (0, 0)


async def _drop(database: Database, tenant: str, user: Key, dropped: Sequence[Mapping[str, Any]]) -> None:
    events, theirs = database["log_events"], {"tenant": tenant, "user": user}
    async with database.transaction() as session:
        ids = [each["_id"] for each in dropped]
        count = (await events.delete_many({**theirs, "_id": {"$in": ids}}, session=session)).deleted_count
        earlier = {**theirs, "type": _DROPPED}
        async for each in events.find(earlier, {"details": 1}, session=session):
            count += each.get("details", {}).get("count", 0)
        await events.delete_many(earlier, session=session)
        until = max(each["date"] for each in dropped)
        await events.insert_one(to_document(_dropped_event(tenant, user, count, until)), session=session)


def _dropped_event(tenant: str, user: Key, count: int, until: datetime) -> LogEvent:
    """Stands where the history begins: at the time of the newest event that was dropped."""
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
