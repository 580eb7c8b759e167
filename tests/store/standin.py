"""A database in memory. It has no transactions, because mongomock has no sessions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mongomock_motor import AsyncMongoMockClient

from app.store.database import Database


@asynccontextmanager
async def no_transaction() -> AsyncIterator[None]:
    """Replaces a transaction. Writes before an error are not undone, so tests of that need a real MongoDB."""
    yield None


def mock_database() -> Database:
    return Database(AsyncMongoMockClient()["test"], no_transaction)
