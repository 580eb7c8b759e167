"""Writes roles, connections and login rules: each change in one transaction with its log event.

An object has a `version`. A change is refused when another writer has changed the object since it was read.
"""

from collections.abc import Mapping
from typing import Any

from pymongo.errors import DuplicateKeyError

from app.domain.logs import LogEvent
from app.store.database import Database
from app.store.errors import Conflict, Taken
from app.store.logs import insert_event


def at_version(version: int) -> Any:
    """Returns the condition for the field `version`. A document without the field has version 1."""
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
    selector: Mapping[str, Any],
    version: int,
    document: Mapping[str, Any],
    event: LogEvent,
) -> None:
    """Sets the fields of the document that `selector` finds, if it has this version.

    Raises Conflict when another writer committed first, Taken when a unique key is in use.
    """
    where = {**selector, "version": at_version(version)}
    try:
        async with database.transaction() as session:
            result = await database[collection].update_one(where, {"$set": dict(document)}, session=session)
            if not result.matched_count:
                raise Conflict
            await insert_event(database, session, event)
    except DuplicateKeyError as error:
        raise Taken from error


async def delete_versioned(
    database: Database, session: Any, collection: str, selector: Mapping[str, Any], version: int, event: LogEvent
) -> None:
    """Deletes the document in the transaction of `session`.

    Raises Conflict when the document does not exist or has another version.
    """
    where = {**selector, "version": at_version(version)}
    if not (await database[collection].delete_one(where, session=session)).deleted_count:
        raise Conflict
    await insert_event(database, session, event)
