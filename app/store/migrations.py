"""The schema version of the database, the migrations between versions, and the record that a configured issuer once
served this database."""

from collections.abc import Awaitable, Callable, Mapping

from app.settings import ConfigurationError
from app.store.database import Database, driver_errors, no_time_limit

SCHEMA_VERSION = 1
Migration = Callable[[Database], Awaitable[None]]

# From the version that is the key to the next. Each may run again after it was cut off half-way.
MIGRATIONS: Mapping[int, Migration] = {}
_META = "meta"
_SCHEMA = "schema"


class MigrationNeeded(ConfigurationError):  # noqa: N818
    """The documents and this program do not fit; the message says what to do."""


async def check_schema_version(database: Database, current: int = SCHEMA_VERSION) -> None:
    """Marks an empty database as of this version. MigrationNeeded where it has another."""
    found = await _stored_version(database, current)
    if found < current:
        raise MigrationNeeded(
            f"The database has schema version {found}, this program wants {current}: run `profile-api migrate`."
        )
    if found > current:
        raise MigrationNeeded(
            f"The database has schema version {found}, this program knows {current}: run a newer release."
        )


async def migrate(
    database: Database, migrations: Mapping[int, Migration] = MIGRATIONS, current: int = SCHEMA_VERSION
) -> list[int]:
    """Runs what is missing, one version after the other; returns the versions reached."""
    found = await _stored_version(database, current)
    reached = list(range(found + 1, current + 1))
    for version in reached:
        with no_time_limit():
            await migrations[version - 1](database)
        with driver_errors():
            await database[_META].update_one({"_id": _SCHEMA}, {"$set": {"version": version}})
    await check_schema_version(database, current)
    return reached


async def _stored_version(database: Database, current: int) -> int:
    with driver_errors():
        known = await database[_META].find_one({"_id": _SCHEMA})
        if known is None:
            await database[_META].update_one({"_id": _SCHEMA}, {"$setOnInsert": {"version": current}}, upsert=True)
            return current
        return int(known["version"])


async def mark_issuer_configured(database: Database) -> None:
    """From here on this database never takes the development issuer again."""
    with driver_errors():
        await database[_META].update_one({"_id": "issuer"}, {"$set": {"configured": True}}, upsert=True)


async def is_issuer_configured(database: Database) -> bool:
    """Whether this database was once served with a configured issuer."""
    with driver_errors():
        return await database[_META].find_one({"_id": "issuer"}) is not None
