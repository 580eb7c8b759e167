"""Finding records: one, several, a page, a page for each of many owners, a count. Unavailable without the database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from app.domain.filters import Filter, In, Record
from app.domain.ids import Key
from app.domain.kinds import Kind, Order
from app.domain.paging import Bounds, PageRequest
from app.store.database import Database, driver_errors
from app.store.queries import Query, between, to_query


@dataclass(frozen=True, slots=True)
class Owners:
    """Objects whose owned records are asked for. `field` names the owner in an owned record."""

    kind: Kind
    field: str
    keys: Sequence[Key]


class Records:
    """Reads of one tenant at a time. `paths` are all that leaves the database, beside `_id`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_one(self, kind: Kind, tenant: str, where: Filter, paths: Iterable[str]) -> Record | None:
        with driver_errors():
            query = to_query(kind, tenant, where)
            found: Record | None = await self._database[kind.collection].find_one(query, projection(paths))
            return found

    async def find(
        self, kind: Kind, tenant: str, where: Filter, paths: Iterable[str] | None = None
    ) -> Sequence[Record]:
        """All that match, in no order: for what is few or named by keys. Whole records when `paths` is None."""
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
        """In list order, up to one more than the page takes."""
        query = between(to_query(kind, tenant, where), order, bounds)
        with driver_errors():
            cursor = self._database[kind.collection].find(query, projection([*paths, order.field]))
            found: list[Record] = await cursor.sort(_sort(order, request)).limit(request.size + 1).to_list(None)
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
        """The front page for each of many owners, in one command."""
        pipeline: list[Query] = [
            {"$match": to_query(kind, tenant, where)},
            {"$sort": dict(_sort(order, request))},
            {"$limit": request.size + 1},
            {"$project": projection([*paths, order.field])},
        ]
        found = await self._look_up(owners, kind, tenant, pipeline)
        return {key: page[::-1] if request.backward else page for key, page in found.items()}

    async def count(self, kind: Kind, tenant: str, where: Filter, limit: int) -> int:
        """Counts up to `limit`, so that a large list costs no more than that."""
        with driver_errors():
            query = to_query(kind, tenant, where)
            found: int = await self._database[kind.collection].count_documents(query, limit=limit)
            return found

    async def count_each(self, owners: Owners, kind: Kind, tenant: str, where: Filter, limit: int) -> Mapping[Key, int]:
        """Counts up to `limit` what belongs to each owner, in one command."""
        pipeline: list[Query] = [{"$match": to_query(kind, tenant, where)}, {"$limit": limit}, {"$count": "count"}]
        found = await self._look_up(owners, kind, tenant, pipeline)
        return {key: counts[0]["count"] if counts else 0 for key, counts in found.items()}

    async def _look_up(
        self, owners: Owners, kind: Kind, tenant: str, pipeline: Sequence[Query]
    ) -> Mapping[Key, Sequence[Record]]:
        """What the pipeline finds of each owner's records, and of those of the profiles that are linked to it."""
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
    """A path above another holds it: both together would be refused."""
    return _projection(frozenset(paths))


def project(record: Record, paths: Iterable[str]) -> Record:
    """What a read of these paths finds of a whole record."""
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
    chosen: dict[str, int] = {}
    for path in sorted(paths):
        if not any(path.startswith(above + ".") for above in chosen):
            chosen[path] = 1
    return chosen or {"_id": 1}


def _sort(order: Order, request: PageRequest) -> list[tuple[str, int]]:
    direction = -order.direction if request.backward else order.direction
    return [(order.field, direction), ("_id", direction)]
