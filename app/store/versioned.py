"""Stored roles, connections and login rules: each is created, changed or deleted in one transaction with its log event,
unless another writer committed first."""

from collections.abc import Mapping
from typing import Any

from pymongo.errors import DuplicateKeyError

from app.domain.logs import LogEvent
from app.store.database import Database
from app.store.errors import Conflict, Taken
from app.store.logs import insert_event


def at_version(version: int) -> Any:
    """A filter's value for `version`. A document without one has the first version."""
    return {"$in": [1, None]} if version == 1 else version


async def insert_versioned(database: Database, collection: str, document: Mapping[str, Any], event: LogEvent) -> None:
    """Raises Conflict when another writer committed first, Taken when a unique key is in use."""
    try:
        async with database.transaction() as session:
            await database[collection].insert_one(dict(document), session=session)
            await insert_event(database, session, event)
    except DuplicateKeyError as error:
        raise Taken from error


async def update_versioned(
    database: Database,
    collection: str,
    one: Mapping[str, Any],
    version: int,
    document: Mapping[str, Any],
    event: LogEvent,
) -> None:
    """Sets the fields of the document that `one` names if it still has this version. Raises what
    `insert_versioned` does.
    """
    where = {**one, "version": at_version(version)}
    try:
        async with database.transaction() as session:
            result = await database[collection].update_one(where, {"$set": dict(document)}, session=session)
            if not result.matched_count:
                raise Conflict
            await insert_event(database, session, event)
    except DuplicateKeyError as error:
        raise Taken from error


async def delete_versioned(
    database: Database, session: Any, collection: str, one: Mapping[str, Any], version: int, event: LogEvent
) -> None:
    """In the caller's transaction. Conflict when the document is gone or has another version."""
    where = {**one, "version": at_version(version)}
    if not (await database[collection].delete_one(where, session=session)).deleted_count:
        raise Conflict
    await insert_event(database, session, event)
