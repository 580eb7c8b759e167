"""Finding documents: one, a page, a page for each of many owners, a count. Every filter starts with the tenant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from app.domain.ids import Key
from app.domain.paging import Order, Window
from app.store.database import Database, driver_errors, to_key

Document = dict[str, Any]
Filter = Mapping[str, Any]


class Documents:
    """Reads of any collection. Unavailable where the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_one(self, collection: str, where: Filter, paths: Iterable[str]) -> Document | None:
        """`paths` are all that leaves the database, beside `_id`."""
        with driver_errors():
            found: Document | None = await self._database[collection].find_one(where, projection(paths))
            return found

    async def find(self, collection: str, where: Filter, paths: Iterable[str] | None = None) -> list[Document]:
        """All that match, in no order; for what is small or named by keys."""
        with driver_errors():
            cursor = self._database[collection].find(where, None if paths is None else projection(paths))
            found: list[Document] = await cursor.to_list(None)
            return found

    async def find_page(
        self,
        collection: str,
        where: Filter,
        order: Order,
        window: Window,
        places: Sequence[Filter],
        paths: Iterable[str],
    ) -> list[Document]:
        """In list order, up to one more than the window takes. `places` are what `between` made of its cursors."""
        with driver_errors():
            cursor = self._database[collection].find(_and(where, places), projection([*paths, order.field]))
            cursor = cursor.sort(_sort(order, window)).limit(window.size + 1)
            found: list[Document] = await cursor.to_list(None)
        return found[::-1] if window.backward else found

    async def find_pages(
        self,
        owners: tuple[str, str, str],
        keys: Sequence[Key],
        collection: str,
        where: Filter,
        order: Order,
        window: Window,
        paths: Iterable[str],
    ) -> dict[Key, list[Document]]:
        """The front page for each of many owners, in one command."""
        pipeline: list[Mapping[str, Any]] = [
            {"$match": where},
            {"$sort": dict(_sort(order, window))},
            {"$limit": window.size + 1},
            {"$project": projection([*paths, order.field])},
        ]
        found = await self._look_up(owners, keys, collection, pipeline)
        return {key: page[::-1] if window.backward else page for key, page in found.items()}

    async def count_each(
        self, owners: tuple[str, str, str], keys: Sequence[Key], collection: str, where: Filter, limit: int
    ) -> dict[Key, int]:
        """Counts up to `limit` what belongs to each owner, in one command."""
        pipeline: list[Mapping[str, Any]] = [{"$match": where}, {"$limit": limit}, {"$count": "count"}]
        found = await self._look_up(owners, keys, collection, pipeline)
        return {key: counts[0]["count"] if counts else 0 for key, counts in found.items()}

    async def _look_up(
        self,
        owners: tuple[str, str, str],
        keys: Sequence[Key],
        collection: str,
        pipeline: Sequence[Mapping[str, Any]],
    ) -> dict[Key, list[Document]]:
        """What the pipeline finds of each owner's documents, and of those of what is linked to it.

        `owners`: their collection, tenant, and the field that names them.
        """
        owner_collection, tenant, field = owners
        lookup = {"from": collection, "localField": "owner", "foreignField": field, "pipeline": pipeline, "as": "found"}
        stages = [
            {"$match": {"tenant": tenant, "_id": {"$in": list(keys)}}},
            {"$project": {"owner": {"$concatArrays": [["$_id"], {"$ifNull": ["$linked", []]}]}}},
            {"$lookup": lookup},
        ]
        with driver_errors():
            found = await self._database[owner_collection].aggregate(stages).to_list(None)
        return {each["_id"]: each["found"] for each in found}

    async def count(self, collection: str, where: Filter, limit: int) -> int:
        """Counts up to `limit`, so that a large list costs no more than that."""
        with driver_errors():
            found: int = await self._database[collection].count_documents(where, limit=limit)
            return found


def projection(paths: Iterable[str]) -> Mapping[str, int]:
    """A path above another holds it: both together would be refused."""
    return _projection(frozenset(paths))


@lru_cache(maxsize=4096)
def _projection(paths: frozenset[str]) -> Mapping[str, int]:
    chosen: dict[str, int] = {}
    for path in sorted(paths):
        if not any(path.startswith(above + ".") for above in chosen):
            chosen[path] = 1
    return chosen or {"_id": 1}


def between(order: Order, place: tuple[Any, str], after: bool) -> Filter | None:
    """What comes after (or before) the place of a cursor; None where its `_id` is none."""
    value, key = place
    object_id = to_key(key)
    if object_id is None:
        return None
    operator = "$gt" if (order.direction == 1) == after else "$lt"
    return {"$or": [{order.field: {operator: value}}, {order.field: value, "_id": {operator: object_id}}]}


def _and(where: Filter, more: Sequence[Filter]) -> Filter:
    return {**where, "$and": list(more)} if more else where


def _sort(order: Order, window: Window) -> list[tuple[str, int]]:
    direction = -order.direction if window.backward else order.direction
    return [(order.field, direction), ("_id", direction)]


def document_of(value: Any) -> Document:
    """Of a dataclass: its `id` is `_id`, and what says nothing is not stored."""
    document = {name: each for name, each in asdict(value).items() if each is not None}
    return {"_id": document.pop("id"), **document}


async def put_one_of(collection: Any, session: Any, document: Document, unique: Sequence[str], most: int) -> bool:
    """Makes it, or brings the one with the same `unique` up to date; False where its user has more than `most`."""
    content = {name: each for name, each in document.items() if name != "_id"}
    one = {name: document[name] for name in unique}
    update = {"$set": content, "$setOnInsert": {"_id": document["_id"]}}
    if (await collection.update_one(one, update, upsert=True, session=session)).upserted_id is None:
        return True
    theirs = {"tenant": document["tenant"], "user": document["user"]}
    return bool(await collection.count_documents(theirs, limit=most + 1, session=session) <= most)
