"""Reads records: one, several, a page, a page for each of many owners, and counts.

Every function of `Records` raises Unavailable when the database does not answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from app.domain.filters import Filter, In, Record, is_everything
from app.domain.ids import Key
from app.domain.kinds import Kind, Order
from app.domain.paging import MAX_COUNT, Bounds, PageRequest, TotalCount
from app.domain.search_terms import TERMS
from app.store.database import Database, driver_errors
from app.store.planner import is_search
from app.store.queries import Query, between, sort_of, to_query
from app.store.searches import Searches, read_page


@dataclass(frozen=True, slots=True)
class Owners:
    """The objects to read the owned records of. `field` is the field of an owned record that contains its owner."""

    kind: Kind
    field: str
    keys: Sequence[Key]


class Records:
    """Reads the records of one tenant. A record contains only the fields in `paths`, and `_id`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.searches = Searches(database)

    async def find_one(self, kind: Kind, tenant: str, where: Filter, paths: Iterable[str]) -> Record | None:
        with driver_errors():
            query = to_query(kind, tenant, where)
            found: Record | None = await self._database[kind.collection].find_one(query, projection(paths))
            return found

    async def find(
        self, kind: Kind, tenant: str, where: Filter, paths: Iterable[str] | None = None
    ) -> Sequence[Record]:
        """Returns all matches, unordered; for lookups by key and small sets only.

        When `paths` is None, the records are complete.
        """
        with driver_errors():
            chosen = None if paths is None else projection(paths)
            cursor = self._database[kind.collection].find(to_query(kind, tenant, where), chosen)
            found: list[Record] = await cursor.to_list(None)
            return found

    async def find_page(
        self,
        kind: Kind,
        tenant: str,
        where: Filter,
        order: Order,
        request: PageRequest,
        bounds: Bounds,
        paths: Iterable[str],
    ) -> Sequence[Record]:
        """Returns a page in the order of the list, with one more record if the list continues.

        Raises SearchTimedOut for a search that takes too long.
        """
        chosen = projection([*paths, order.field])
        if is_search(kind, where, order):
            found = await self.searches.find_page(kind, tenant, where, order, request, bounds, chosen)
        else:
            query = between(to_query(kind, tenant, where), order, bounds)
            with driver_errors():
                found = await read_page(self._database[kind.collection].find(query, chosen), order, request)
        return found[::-1] if request.backward else found

    async def find_pages(
        self,
        owners: Owners,
        kind: Kind,
        tenant: str,
        where: Filter,
        order: Order,
        request: PageRequest,
        paths: Iterable[str],
    ) -> Mapping[Key, Sequence[Record]]:
        """Returns the first page of each owner, in one command. A backward request gets the last page."""
        pipeline: list[Query] = [
            {"$match": to_query(kind, tenant, where)},
            {"$sort": dict(sort_of(order, request))},
            {"$limit": request.size + 1},
            {"$project": projection([*paths, order.field])},
        ]
        found = await self._look_up(owners, kind, tenant, pipeline)
        return {key: page[::-1] if request.backward else page for key, page in found.items()}

    async def count(self, kind: Kind, tenant: str, where: Filter, order: Order) -> TotalCount:
        """The number of records, exact up to MAX_COUNT: a large list costs no more than that."""
        if TERMS in kind.lookups and is_everything(where):
            return await self.searches.count_all(kind, tenant)
        if is_search(kind, where, order):
            return await self.searches.count(kind, tenant, where, order)
        with driver_errors():
            query = to_query(kind, tenant, where)
            found = await self._database[kind.collection].count_documents(query, limit=MAX_COUNT + 1)
        return TotalCount.up_to(MAX_COUNT, found)

    async def count_each(self, owners: Owners, kind: Kind, tenant: str, where: Filter, limit: int) -> Mapping[Key, int]:
        """Counts the records of each owner, up to `limit`, in one command."""
        pipeline: list[Query] = [{"$match": to_query(kind, tenant, where)}, {"$limit": limit}, {"$count": "count"}]
        found = await self._look_up(owners, kind, tenant, pipeline)
        return {key: counts[0]["count"] if counts else 0 for key, counts in found.items()}

    async def _look_up(
        self, owners: Owners, kind: Kind, tenant: str, pipeline: Sequence[Query]
    ) -> Mapping[Key, Sequence[Record]]:
        """Runs the pipeline on the records of each owner. They include the records of the owner's linked profiles."""
        stages = [
            {"$match": to_query(owners.kind, tenant, In("_id", owners.keys))},
            {"$project": {"owner": {"$concatArrays": [["$_id"], {"$ifNull": ["$linked", []]}]}}},
            {
                "$lookup": {
                    "from": kind.collection,
                    "localField": "owner",
                    "foreignField": owners.field,
                    "pipeline": pipeline,
                    "as": "found",
                }
            },
        ]
        with driver_errors():
            found = await self._database[owners.kind.collection].aggregate(stages).to_list(None)
        return {each["_id"]: each["found"] for each in found}


def projection(paths: Iterable[str]) -> Mapping[str, int]:
    """Returns the MongoDB projection for these paths."""
    return _projection(frozenset(paths))


def project(record: Record, paths: Iterable[str]) -> Record:
    """Returns the part of a complete record that a read with these paths would return."""
    return {"_id": record["_id"], **_project(record, [path.split(".") for path in projection(paths)])}


def _project(record: Record, paths: Sequence[Sequence[str]]) -> Record:
    below: dict[str, list[Sequence[str]]] = {}
    for name, *rest in paths:
        below.setdefault(name, []).append(rest)
    return {name: _project_value(record[name], rests) for name, rests in below.items() if name in record}


def _project_value(value: Any, paths: Sequence[Sequence[str]]) -> Any:
    if [] in paths:
        return value
    if isinstance(value, Mapping):
        return _project(value, paths)
    return [_project(each, paths) for each in value if isinstance(each, Mapping)]


@lru_cache(maxsize=4096)
def _projection(paths: frozenset[str]) -> Mapping[str, int]:
    # MongoDB refuses a projection with both a path and a path below it. The upper path includes the lower one.
    chosen: dict[str, int] = {}
    for path in sorted(paths):
        if not any(path.startswith(above + ".") for above in chosen):
            chosen[path] = 1
    # An empty projection would return complete documents.
    return chosen or {"_id": 1}
