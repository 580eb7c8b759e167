"""Roles and connections of a tenant, at most MAX_AGE seconds old: for reading, never for deciding a write."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from app.domain.connections import AuthConnection, SyncRootAttributes
from app.store.documents import Document, Documents

MAX_AGE = 5.0
MAX_TENANTS = 1_000


class Snapshots:
    """Loaded when first asked for, once however many ask at the same time."""

    def __init__(self, documents: Documents, clock: Callable[[], float] = time.monotonic) -> None:
        self._documents = documents
        self._clock = clock
        self._loaded: dict[tuple[str, str], tuple[float, Mapping[Any, Any]]] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def roles(self, tenant: str) -> Mapping[Any, Document]:
        """By `_id`."""
        return await self._get(tenant, "roles", lambda document: (document["_id"], document))

    async def connections(self, tenant: str) -> Mapping[str, AuthConnection]:
        """By name."""
        return await self._get(tenant, "connections", lambda document: (document["name"], to_connection(document)))

    async def connection(self, tenant: str, name: str) -> AuthConnection | None:
        """One connection. It is looked up anew when it is not known, because another process may just have saved it.

        Callers are recognized by it. An unrecognized user would pass as somebody without a profile.
        """
        known = await self.connections(tenant)
        if name not in known:
            self._loaded.pop((tenant, "connections"), None)
            known = await self.connections(tenant)
        return known.get(name)

    def forget(self, tenant: str) -> None:
        """What was just written here is read anew here; elsewhere within MAX_AGE."""
        for collection in ("roles", "connections"):
            self._loaded.pop((tenant, collection), None)

    async def _get(
        self, tenant: str, collection: str, entry: Callable[[Document], tuple[Any, Any]]
    ) -> Mapping[Any, Any]:
        key = (tenant, collection)
        fresh = self._fresh(key)
        if fresh is not None:
            return fresh
        async with self._locks.setdefault(key, asyncio.Lock()):
            fresh = self._fresh(key)
            if fresh is not None:
                return fresh
            asked = self._clock()
            found = await self._documents.find(collection, {"tenant": tenant})
            self._make_room()
            self._loaded[key] = (asked, dict(entry(document) for document in found))
            return self._loaded[key][1]

    def _fresh(self, key: tuple[str, str]) -> Mapping[Any, Any] | None:
        loaded = self._loaded.get(key)
        return loaded[1] if loaded and self._clock() - loaded[0] < MAX_AGE else None

    def _make_room(self) -> None:
        if len(self._loaded) >= 2 * MAX_TENANTS:
            oldest = min(self._loaded, key=lambda key: self._loaded[key][0])
            del self._loaded[oldest]
            self._locks.pop(oldest, None)


def to_connection(document: Document) -> AuthConnection:
    return AuthConnection(
        tenant=document["tenant"],
        name=document["name"],
        strategy=document["strategy"],
        import_mode=document.get("import_mode", False),
        sync_root_attributes=SyncRootAttributes(document["sync_root_attributes"]),
        allows_sign_up=document.get("allows_sign_up", False),
        version=document.get("version", 1),
        id=document["_id"],
    )
