"""Domain values as records, and how records are inserted."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pymongo.errors import BulkWriteError

from app.store.database import Database

_DUPLICATE_KEY = 11000


def record_of(value: Any) -> dict[str, Any]:
    """The record of a dataclass: its `id` is `_id`, and a value of None is not stored."""
    document = {name: each for name, each in asdict(value).items() if each is not None}
    return {"_id": document.pop("id"), **document}


async def insert_missing(database: Database, collection: str, documents: Sequence[dict[str, Any]]) -> None:
    """Inserts those that are not there yet."""
    try:
        await database[collection].insert_many(documents, ordered=False)
    except BulkWriteError as error:
        if any(each["code"] != _DUPLICATE_KEY for each in (error.details or {}).get("writeErrors", ())):
            raise


async def put_one_of(collection: Any, session: Any, document: dict[str, Any], unique: Sequence[str], most: int) -> bool:
    """Makes it, or brings the one with the same `unique` up to date; False where its user has more than `most`."""
    content = {name: each for name, each in document.items() if name != "_id"}
    one = {name: document[name] for name in unique}
    update = {"$set": content, "$setOnInsert": {"_id": document["_id"]}}
    if (await collection.update_one(one, update, upsert=True, session=session)).upserted_id is None:
        return True
    theirs = {"tenant": document["tenant"], "user": document["user"]}
    return bool(await collection.count_documents(theirs, limit=most + 1, session=session) <= most)
