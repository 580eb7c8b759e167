"""The schema version of the database, the migrations between versions, and the mark of a configured issuer."""

from collections.abc import Awaitable, Callable, Mapping

from app.settings import ConfigurationError
from app.store.database import Database, driver_errors, no_time_limit

SCHEMA_VERSION = 1
Migration = Callable[[Database], Awaitable[None]]

# Each migration changes a database from the version that is its key to the next version. It must be able to run again
# on a database that it has changed in part: `profile-api migrate` may be stopped at any moment.
MIGRATIONS: Mapping[int, Migration] = {}
_META = "meta"
_SCHEMA = "schema"


class MigrationNeeded(ConfigurationError):  # noqa: N818
    """The database has another schema version than this program. The message says what to do."""


async def check_schema_version(database: Database, current: int = SCHEMA_VERSION) -> None:
    """Raises MigrationNeeded when the database has another schema version. An empty database gets the current one."""
    found = await _stored_version(database, current)
    if found < current:
        raise MigrationNeeded(
            f"The database has schema version {found}, but this program needs {current}: run `profile-api migrate`."
        )
    if found > current:
        raise MigrationNeeded(
            f"The database has schema version {found}, but this program only knows {current}: install a newer release."
        )


async def migrate(
    database: Database, migrations: Mapping[int, Migration] = MIGRATIONS, current: int = SCHEMA_VERSION
) -> list[int]:
    """Runs the missing migrations in order. Returns the versions that the database went through."""
    found = await _stored_version(database, current)
    reached = list(range(found + 1, current + 1))
    for version in reached:
        with no_time_limit():
            await migrations[version - 1](database)
        # The version is written after its migration: when the migration is stopped, it runs again.
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
    """Records that a configured issuer was used. From then on the service refuses the development issuer."""
    # There is no function that removes the mark: a missing variable must never make a real database accept
    # development tokens.
    with driver_errors():
        await database[_META].update_one({"_id": "issuer"}, {"$set": {"configured": True}}, upsert=True)


async def is_issuer_configured(database: Database) -> bool:
    """Whether a configured issuer was ever used with this database."""
    with driver_errors():
        return await database[_META].find_one({"_id": "issuer"}) is not None
