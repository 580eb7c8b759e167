"""The connection to MongoDB: collections, transactions, time limits, and the translation of the driver's errors."""

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

# How long a request waits for a primary before it is refused as unavailable.
SELECTION_TIMEOUT_MS = 5_000
# How long one database operation may take outside of `time_limit`.
OPERATION_TIMEOUT_MS = 10_000
_PING_SECONDS = 2.0
_TRANSIENT = "TransientTransactionError"
_UNKNOWN_COMMIT = "UnknownTransactionCommitResult"
_COMMIT_TRIES = 3

# Maximum size of the history of one user. PROFILE_API_LOG_MAX_BYTES_PER_USER replaces it.
LOG_MAX_BYTES = 50_000_000

Transaction = Callable[[], AbstractAsyncContextManager[Any]]
AfterCommit = Callable[[], Awaitable[None]]


class Pool(ConnectionPoolListener):
    """Counts the connections of a client to MongoDB."""

    def __init__(self) -> None:
        # The driver calls the methods from several threads, and `+=` is not atomic.
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
    """The database of this service, with its collections and transactions.

    `url` is the URL of the servers, and `pool` counts the connections. `is_prepared` is true after this process has
    checked that it may serve this database; until then it answers no request. `log_max_bytes` is the maximum size of
    the history of one user.
    """

    def __init__(self, database: Any, transaction: Transaction, url: str = "", pool: Pool | None = None) -> None:
        self.database = database
        self.url = url
        self.pool = pool or Pool()
        self.is_prepared = False
        self.log_max_bytes = LOG_MAX_BYTES
        self._transaction = transaction
        self._after_commit: dict[int, list[AfterCommit]] = {}

    def with_log_limit(self, log_max_bytes: int) -> "Database":
        """Returns the same database with another limit on the history of one user."""
        limited = Database(self.database, self._transaction, self.url, self.pool)
        limited.is_prepared, limited.log_max_bytes = self.is_prepared, log_max_bytes
        return limited

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """Gives a session with a transaction that commits when the block ends, and aborts when the block raises.

        Raises Conflict when another writer committed first, Unavailable when the database does not answer.
        """
        waiting: list[AfterCommit] = []
        async with self._transaction() as session:
            self._after_commit[id(session)] = waiting
            try:
                yield session
            finally:
                self._after_commit.pop(id(session), None)
        # Only here is it certain that the transaction committed: an exception above leaves this function.
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
        """Makes a client for the replica set at `url`. The client connects at the first command, not before."""
        pool = Pool()
        client: Any = AsyncIOMotorClient(
            url,
            event_listeners=[pool],
            # A caller who got an answer must find the change after a failover: a new primary has what a majority has.
            w="majority",
            journal=True,
            serverSelectionTimeoutMS=SELECTION_TIMEOUT_MS,
            connectTimeoutMS=SELECTION_TIMEOUT_MS,
            socketTimeoutMS=30_000,
            # A database that hangs must not block the driver's threads for long, outside of `time_limit` either.
            timeoutMS=OPERATION_TIMEOUT_MS,
            appname="profile-api",
        )

        return cls(client[name], lambda: _transaction(client), url, pool)

    async def ping(self) -> None:
        """Raises Unavailable when no primary answers within 2 seconds."""
        with driver_errors(), time_limit(_PING_SECONDS):
            await self.database.command("ping")

    def close(self) -> None:
        self.database.client.close()


@asynccontextmanager
async def _transaction(client: Any) -> AsyncIterator[Any]:
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
            # Repeating a commit is safe: the server knows the transaction and never applies it twice.
            if not error.has_error_label(_UNKNOWN_COMMIT) or attempt == _COMMIT_TRIES - 1:
                raise
        else:
            return


@contextmanager
def driver_errors() -> Iterator[None]:
    """Replaces the driver's exceptions that can occur in operation by Conflict and Unavailable."""
    try:
        yield
    except OperationFailure as error:
        # MongoDB aborted the transaction, usually because another one writes the same document. Nothing was written.
        if error.has_error_label(_TRANSIENT):
            raise Conflict from error
        # The operation may or may not have been executed: it must not be tried again like a conflict.
        if isinstance(error, ExecutionTimeout | WTimeoutError) or error.has_error_label(_UNKNOWN_COMMIT):
            raise Unavailable from error
        # Anything else, such as a wrong query, is a defect of this service and must be seen as one.
        raise
    except (AutoReconnect, ConnectionFailure, NetworkTimeout) as error:
        raise Unavailable from error


def time_limit(seconds: float) -> AbstractContextManager[None]:
    """Limits the database operations in the block to `seconds` altogether.

    A longer operation is stopped, and `driver_errors` raises Unavailable for it.
    """
    return pymongo.timeout(seconds)


def no_time_limit() -> AbstractContextManager[None]:
    """Allows operations in the block to take any time. For work on all documents, such as creating an index."""
    return pymongo.timeout(0)


def to_key(text: str) -> Key | None:
    """Returns None for a text that is not the hexadecimal form of an `_id`."""
    try:
        return Key(ObjectId(text))
    except (InvalidId, TypeError):
        return None


def new_id() -> Key:
    return Key(ObjectId())
