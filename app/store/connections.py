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

# A new user writes one of a connection's guards and a deletion writes all of them, so that the two conflict. There are
# several, so that two new users of one connection seldom conflict with each other.
GUARDS = 16


class ConnectionStore:
    """Connections as they are now, for deciding a write. For reading there are the snapshots."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, tenant: str, name: str) -> AuthConnection | None:
        with driver_errors():
            found = await self._database["connections"].find_one({"tenant": tenant, "name": name})
        return None if found is None else to_connection(found)

    async def write(self, before: AuthConnection | None, after: AuthConnection, event: LogEvent) -> None:
        """Raises Conflict when another writer committed first."""
        document = _to_document(after)
        if before is not None:
            one = {"tenant": before.tenant, "_id": before.id}
            await update_versioned(self._database, "connections", one, before.version, document, event)
            return
        with _conflict_when_taken():
            await insert_versioned(self._database, "connections", {"_id": after.id, **document}, event)

    async def delete(self, connection: AuthConnection, event: LogEvent) -> None:
        """Raises Conflict when another writer committed first, Taken when users belong to it."""
        one = {"tenant": connection.tenant, "_id": connection.id}
        async with self._database.transaction() as session:
            await delete_versioned(self._database, session, "connections", one, connection.version, event)
            for guard in range(GUARDS):
                await _write_guard(self._database, session, connection.tenant, connection.name, guard)
            if await self._database["users"].find_one(_users_of(connection), {"_id": 1}, session=session):
                raise Taken

    async def rules(self, tenant: str) -> dict[str, tuple[bool, int]]:
        """Whether a login rule is enabled, and its version, by name. One that was never saved is not among them."""
        with driver_errors():
            found = await self._database["login_rules"].find({"tenant": tenant}).to_list(None)
        return {each["name"]: (each["enabled"], each.get("version", 1)) for each in found}

    async def enabled_rules(self, tenant: str) -> set[str]:
        return {name for name, (enabled, _) in (await self.rules(tenant)).items() if enabled}

    async def write_rule(
        self, tenant: str, name: str, before: tuple[bool, int] | None, after: tuple[bool, int], event: LogEvent
    ) -> None:
        """`before` is what `rules` returned. Raises Conflict when another writer committed first."""
        one, (enabled, version) = {"tenant": tenant, "name": name}, after
        document = {"enabled": enabled, "version": version}
        if before is not None:
            await update_versioned(self._database, "login_rules", one, before[1], document, event)
            return
        with _conflict_when_taken():
            await insert_versioned(self._database, "login_rules", {**one, **document}, event)


@contextmanager
def _conflict_when_taken() -> Iterator[None]:
    """An object that another writer created at the same moment is changed at the next attempt."""
    try:
        yield
    except Taken:
        raise Conflict from None


async def hold_connection(database: Database, session: Any, tenant: str, name: str) -> None:
    """For a transaction that inserts a user: the connection is not deleted before it commits.

    Raises Gone when the connection does not exist, Conflict when it is being deleted.
    """
    guard = random.randrange(GUARDS)  # noqa: S311 - spreads writers, hides nothing
    await _write_guard(database, session, tenant, name, guard)
    if not await database["connections"].find_one({"tenant": tenant, "name": name}, {"_id": 1}, session=session):
        raise Gone


async def _write_guard(database: Database, session: Any, tenant: str, name: str, guard: int) -> None:
    one = {"tenant": tenant, "connection": name, "guard": guard}
    try:
        await database["connection_guards"].update_one(one, {"$inc": {"writes": 1}}, upsert=True, session=session)
    except DuplicateKeyError as error:
        raise Conflict from error


def _users_of(connection: AuthConnection) -> Mapping[str, Any]:
    """Every profile that has an identity of the connection, which includes what is linked to it.

    The prefix of its keys is there for the index.
    """
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
