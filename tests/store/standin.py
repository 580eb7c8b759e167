"""What stands in for a transaction where there is none: mongomock has no sessions, so the argument is left out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mongomock_motor import AsyncMongoMockClient

from app.store.database import Database


@asynccontextmanager
async def no_transaction() -> AsyncIterator[None]:
    """What was written before an error stays written: no test of that runs here."""
    yield None


def mock_database() -> Database:
    return Database(AsyncMongoMockClient()["test"], no_transaction)
