"""Turns dataclasses into documents and inserts documents."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pymongo.errors import BulkWriteError

from app.store.database import Database

_DUPLICATE_KEY = 11000


def record_of(value: Any) -> dict[str, Any]:
    """Returns the document of a dataclass. `id` becomes `_id`, and fields with the value None are left out."""
    document = {name: each for name, each in asdict(value).items() if each is not None}
    return {"_id": document.pop("id"), **document}


async def insert_missing(database: Database, collection: str, documents: Sequence[dict[str, Any]]) -> None:
    """Inserts the documents whose keys do not exist yet."""
    try:
        # Unordered: a document that exists does not stop the insertion of the others.
        await database[collection].insert_many(documents, ordered=False)
    except BulkWriteError as error:
        if any(each["code"] != _DUPLICATE_KEY for each in (error.details or {}).get("writeErrors", ())):
            raise


async def upsert_within_limit(
    collection: Any, session: Any, document: dict[str, Any], unique: Sequence[str], limit: int
) -> bool:
    """Inserts the document, or updates the stored one with the same values in the fields `unique`.

    Returns False when the user then has more than `limit` documents: the caller must abort the transaction.
    """
    content = {name: each for name, each in document.items() if name != "_id"}
    where = {name: document[name] for name in unique}
    update = {"$set": content, "$setOnInsert": {"_id": document["_id"]}}
    if (await collection.update_one(where, update, upsert=True, session=session)).upserted_id is None:
        return True
    # Counted after the insertion, and never beyond the limit: the count costs the same for any number of documents.
    of_user = {"tenant": document["tenant"], "user": document["user"]}
    return bool(await collection.count_documents(of_user, limit=limit + 1, session=session) <= limit)
