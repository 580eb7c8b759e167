"""Copies of the roles and connections of a tenant in memory, at most MAX_AGE seconds old.

They serve reads. A write must not be decided with them, because they may be outdated.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from app.domain.attributes.connections import CONNECTION
from app.domain.attributes.roles import ROLE
from app.domain.connections import AuthConnection, SyncRootAttributes
from app.domain.filters import ALL, Record
from app.domain.kinds import Kind
from app.store.records import Records

# Maximum age of loaded roles and connections in seconds, and the maximum number of tenants that are stored.
MAX_AGE = 5.0
MAX_TENANTS = 1_000


class Snapshots:
    """Loads roles and connections at the first request. Concurrent requests share one load."""

    def __init__(self, records: Records, clock: Callable[[], float] = time.monotonic) -> None:
        self._records = records
        self._clock = clock
        self._loaded: dict[tuple[str, str], tuple[float, Mapping[Any, Any]]] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def roles(self, tenant: str) -> Mapping[Any, Record]:
        """Returns the roles by `_id`."""
        return await self._get(tenant, ROLE, lambda record: (record["_id"], record))

    async def connections(self, tenant: str) -> Mapping[str, AuthConnection]:
        """Returns the connections by name."""
        return await self._get(tenant, CONNECTION, lambda record: (record["name"], to_connection(record)))

    async def connection(self, tenant: str, name: str) -> AuthConnection | None:
        """Returns a connection, or None when it does not exist."""
        known = await self.connections(tenant)
        # Another process may just have saved the connection. Callers are identified with the help of their connection:
        # without it, a user would be treated as a caller who has no profile, and a block would not be seen.
        if name not in known:
            self._loaded.pop((tenant, CONNECTION.collection), None)
            known = await self.connections(tenant)
        return known.get(name)

    def forget(self, tenant: str) -> None:
        """Makes this process load the tenant's roles and connections again, after it has changed them.

        Other processes load them within MAX_AGE.
        """
        for kind in (ROLE, CONNECTION):
            self._loaded.pop((tenant, kind.collection), None)

    async def _get(self, tenant: str, kind: Kind, entry: Callable[[Record], tuple[Any, Any]]) -> Mapping[Any, Any]:
        key = (tenant, kind.collection)
        fresh = self._fresh(key)
        if fresh is not None:
            return fresh
        async with self._locks.setdefault(key, asyncio.Lock()):
            fresh = self._fresh(key)
            if fresh is not None:
                return fresh
            # The age counts from before the query: the query may miss a change that commits while it runs.
            started = self._clock()
            found = await self._records.find(kind, tenant, ALL)
            self._make_room()
            self._loaded[key] = (started, dict(entry(record) for record in found))
            return self._loaded[key][1]

    def _fresh(self, key: tuple[str, str]) -> Mapping[Any, Any] | None:
        loaded = self._loaded.get(key)
        return loaded[1] if loaded and self._clock() - loaded[0] < MAX_AGE else None

    def _make_room(self) -> None:
        if len(self._loaded) >= 2 * MAX_TENANTS:
            oldest = min(self._loaded, key=lambda key: self._loaded[key][0])
            del self._loaded[oldest]
            self._locks.pop(oldest, None)


def to_connection(record: Record) -> AuthConnection:
    return AuthConnection(
        tenant=record["tenant"],
        name=record["name"],
        strategy=record["strategy"],
        import_mode=record.get("import_mode", False),
        sync_root_attributes=SyncRootAttributes(record["sync_root_attributes"]),
        allows_sign_up=record.get("allows_sign_up", False),
        version=record.get("version", 1),
        id=record["_id"],
    )
