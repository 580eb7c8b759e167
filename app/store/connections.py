"""Stored connections and login rules."""

import random
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pymongo.errors import DuplicateKeyError

from app.domain.connections import AuthConnection
from app.domain.identifiers import subject_prefix
from app.domain.logs import LogEvent
from app.store.database import Database, driver_errors
from app.store.errors import Conflict, Gone, Taken
from app.store.snapshots import to_connection
from app.store.versioned import delete_versioned, insert_versioned, update_versioned

# A transaction that inserts a user writes one guard document of the connection, and the transaction that deletes the
# connection writes all of them. So the two always conflict, and no user is left without a connection. There are several
# guards, so that two new users of one connection seldom conflict with each other.
GUARDS = 16


class ConnectionStore:
    """Reads and writes the stored connections and login rules. `Snapshots` serves reads that may be 5 s old."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, tenant: str, name: str) -> AuthConnection | None:
        with driver_errors():
            found = await self._database["connections"].find_one({"tenant": tenant, "name": name})
        return None if found is None else to_connection(found)

    async def write(self, before: AuthConnection | None, after: AuthConnection, event: LogEvent) -> None:
        """Creates the connection if `before` is None, else updates it.

        Raises Conflict when another writer committed first.
        """
        document = _to_document(after)
        if before is not None:
            selector = {"tenant": before.tenant, "_id": before.id}
            await update_versioned(self._database, "connections", selector, before.version, document, event)
            return
        with _conflict_when_taken():
            await insert_versioned(self._database, "connections", {"_id": after.id, **document}, event)

    async def delete(self, connection: AuthConnection, event: LogEvent) -> None:
        """Raises Conflict when another writer committed first, Taken when a user has an identity of the connection."""
        selector = {"tenant": connection.tenant, "_id": connection.id}
        async with self._database.transaction() as session:
            await delete_versioned(self._database, session, "connections", selector, connection.version, event)
            # The guards must be written before the search for users: a user that is inserted later conflicts with them.
            for guard in range(GUARDS):
                await _write_guard(self._database, session, connection.tenant, connection.name, guard)
            if await self._database["users"].find_one(_users_of(connection), {"_id": 1}, session=session):
                raise Taken

    async def rules(self, tenant: str) -> dict[str, tuple[bool, int]]:
        """Returns, by the name of a login rule, whether it is enabled and its version. Rules never saved are absent."""
        with driver_errors():
            found = await self._database["login_rules"].find({"tenant": tenant}).to_list(None)
        return {each["name"]: (each["enabled"], each.get("version", 1)) for each in found}

    async def enabled_rules(self, tenant: str) -> set[str]:
        return {name for name, (enabled, _) in (await self.rules(tenant)).items() if enabled}

    async def write_rule(
        self, tenant: str, name: str, before: tuple[bool, int] | None, after: tuple[bool, int], event: LogEvent
    ) -> None:
        """Writes whether a rule is enabled, and its version. `before` is the value from `rules`, or None.

        Raises Conflict when another writer committed first.
        """
        selector, (enabled, version) = {"tenant": tenant, "name": name}, after
        document = {"enabled": enabled, "version": version}
        if before is not None:
            await update_versioned(self._database, "login_rules", selector, before[1], document, event)
            return
        with _conflict_when_taken():
            await insert_versioned(self._database, "login_rules", {**selector, **document}, event)


@contextmanager
def _conflict_when_taken() -> Iterator[None]:
    """Raises Conflict instead of Taken: the caller tries again, finds the other writer's object and updates it."""
    try:
        yield
    except Taken:
        raise Conflict from None


async def guard_connection(database: Database, session: Any, tenant: str, name: str) -> None:
    """Makes sure that the connection is not deleted before the transaction of `session`, which inserts a user, commits.

    Raises Gone when the connection does not exist, Conflict when another transaction is deleting it.
    """
    guard = random.randrange(GUARDS)  # noqa: S311 - spreads the writers; nothing secret depends on it
    await _write_guard(database, session, tenant, name, guard)
    if not await database["connections"].find_one({"tenant": tenant, "name": name}, {"_id": 1}, session=session):
        raise Gone


async def _write_guard(database: Database, session: Any, tenant: str, name: str, guard: int) -> None:
    selector = {"tenant": tenant, "connection": name, "guard": guard}
    try:
        await database["connection_guards"].update_one(selector, {"$inc": {"writes": 1}}, upsert=True, session=session)
    except DuplicateKeyError as error:
        # Two transactions inserted the same guard at the same moment.
        raise Conflict from error


def _users_of(connection: AuthConnection) -> Mapping[str, Any]:
    """Returns the query for every profile that has an identity of the connection, linked profiles included."""
    # Without the prefix of the keys, MongoDB could use no index and would read all users of the tenant.
    prefix = re.escape(subject_prefix(connection.strategy, connection.name))
    return {"tenant": connection.tenant, "keys": {"$regex": f"^{prefix}"}, "identities.connection": connection.name}


def _to_document(connection: AuthConnection) -> dict[str, Any]:
    return {
        "tenant": connection.tenant,
        "name": connection.name,
        "strategy": connection.strategy,
        "import_mode": connection.import_mode,
        "sync_root_attributes": str(connection.sync_root_attributes),
        "allows_sign_up": connection.allows_sign_up,
        "version": connection.version,
    }
