"""The connection to MongoDB: collections, transactions, and driver errors turned into ours."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from threading import Lock
from typing import Any

import pymongo
from bson import ObjectId
from bson.errors import InvalidId
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import (
    AutoReconnect,
    ConnectionFailure,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)
from pymongo.monitoring import ConnectionPoolListener

from app.domain.errors import Unavailable
from app.domain.ids import Key
from app.store.errors import Conflict

# How long a request waits for a primary before it is told that there is none.
SELECTION_TIMEOUT_MS = 5_000
# How long one operation may take, unless a time limit says otherwise.
OPERATION_TIMEOUT_MS = 10_000
_PING_SECONDS = 2.0
_TRANSIENT = "TransientTransactionError"
_UNKNOWN_COMMIT = "UnknownTransactionCommitResult"
_COMMIT_TRIES = 3

# Of one user's history, unless the operator says otherwise.
LOG_MAX_BYTES = 50_000_000

Transaction = Callable[[], AbstractAsyncContextManager[Any]]
AfterCommit = Callable[[], Awaitable[None]]


class Pool(ConnectionPoolListener):
    """Counts a client's connections. Its methods are called from the driver's threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.open = 0
        self.in_use = 0

    def _add(self, opened: int, taken: int) -> None:
        with self._lock:
            self.open += opened
            self.in_use += taken

    def connection_created(self, event: Any) -> None:
        self._add(1, 0)

    def connection_closed(self, event: Any) -> None:
        self._add(-1, 0)

    def connection_checked_out(self, event: Any) -> None:
        self._add(0, 1)

    def connection_checked_in(self, event: Any) -> None:
        self._add(0, -1)

    def pool_created(self, event: Any) -> None: ...
    def pool_ready(self, event: Any) -> None: ...
    def pool_cleared(self, event: Any) -> None: ...
    def pool_closed(self, event: Any) -> None: ...
    def connection_ready(self, event: Any) -> None: ...
    def connection_check_out_started(self, event: Any) -> None: ...
    def connection_check_out_failed(self, event: Any) -> None: ...


class Database:
    """One database and how its transactions are made. Writes are acknowledged by a majority, in its journal.

    `url` is where it is, `pool` counts its connections. `is_prepared` is true after this process has checked that it
    may serve this database; until then no request is answered. `log_max_bytes` is how much history of one user is kept.
    """

    def __init__(self, database: Any, transaction: Transaction, url: str = "", pool: Pool | None = None) -> None:
        self.database = database
        self.url = url
        self.pool = pool or Pool()
        self.is_prepared = False
        self.log_max_bytes = LOG_MAX_BYTES
        self._transaction = transaction
        self._after_commit: dict[int, list[AfterCommit]] = {}

    def limited(self, log_max_bytes: int) -> "Database":
        """The same database with another limit on the history of one user."""
        limited = Database(self.database, self._transaction, self.url, self.pool)
        limited.is_prepared, limited.log_max_bytes = self.is_prepared, log_max_bytes
        return limited

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """A session with a transaction that commits when the block ends well. Conflict when another writer
        committed first.
        """
        waiting: list[AfterCommit] = []
        async with self._transaction() as session:
            self._after_commit[id(session)] = waiting
            try:
                yield session
            finally:
                self._after_commit.pop(id(session), None)
        for each in waiting:
            await each()

    async def after_commit(self, session: Any, call: AfterCommit) -> None:
        """Runs `call` when the transaction of `session` has committed, or at once when there is none."""
        waiting = self._after_commit.get(id(session))
        if waiting is None:
            await call()
        else:
            waiting.append(call)

    def __getitem__(self, collection: str) -> Any:
        return self.database[collection]

    @classmethod
    def connect(cls, url: str, name: str) -> "Database":
        """`url` names a replica set; nothing is sent before the first command."""
        pool = Pool()
        client: Any = AsyncIOMotorClient(
            url,
            event_listeners=[pool],
            w="majority",
            journal=True,
            serverSelectionTimeoutMS=SELECTION_TIMEOUT_MS,
            connectTimeoutMS=SELECTION_TIMEOUT_MS,
            socketTimeoutMS=30_000,
            # Outside of `time_limit` too, a database that hangs keeps no thread from other work for long.
            timeoutMS=OPERATION_TIMEOUT_MS,
            appname="profile-api",
        )

        return cls(client[name], lambda: _transaction(client), url, pool)

    async def ping(self) -> None:
        """Unavailable where no primary answers."""
        with driver_errors(), time_limit(_PING_SECONDS):
            await self.database.command("ping")

    def close(self) -> None:
        self.database.client.close()


@asynccontextmanager
async def _transaction(client: Any) -> AsyncIterator[Any]:
    """A session with a transaction that commits where the block ends well. Conflict where another came first."""
    with driver_errors():
        async with await client.start_session() as session:
            session.start_transaction()
            try:
                yield session
            except BaseException:
                await session.abort_transaction()
                raise
            await _commit(session)


async def _commit(session: Any) -> None:
    for attempt in range(_COMMIT_TRIES):
        try:
            await session.commit_transaction()
        except PyMongoError as error:
            # Committing again is safe: the server answers for the same transaction, it is never applied twice.
            if not error.has_error_label(_UNKNOWN_COMMIT) or attempt == _COMMIT_TRIES - 1:
                raise
        else:
            return


@contextmanager
def driver_errors() -> Iterator[None]:
    """Lets no driver exception out for what a caller can meet: Unavailable and Conflict instead."""
    try:
        yield
    except OperationFailure as error:
        if error.has_error_label(_TRANSIENT):
            raise Conflict from error
        if isinstance(error, ExecutionTimeout | WTimeoutError) or error.has_error_label(_UNKNOWN_COMMIT):
            raise Unavailable from error
        raise
    except (AutoReconnect, ConnectionFailure, NetworkTimeout) as error:
        raise Unavailable from error


def time_limit(seconds: float) -> AbstractContextManager[None]:
    """What is asked of the database inside is given up by it after so long, and is Unavailable."""
    return pymongo.timeout(seconds)


def no_time_limit() -> AbstractContextManager[None]:
    """For what takes as long as there are documents, such as creating an index."""
    return pymongo.timeout(0)


def to_key(text: str) -> Key | None:
    """Returns None for a text that is no `_id`."""
    try:
        return Key(ObjectId(text))
    except (InvalidId, TypeError):
        return None


def new_id() -> Key:
    return Key(ObjectId())
