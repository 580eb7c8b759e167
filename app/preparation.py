"""Prepares the database: what every request needs, and what makes requests fast.

A process prepares its database before it answers requests. Everything here can be repeated.
"""

from collections.abc import Callable

from app.auth.development import TENANT
from app.jobs.demo.seed import ensure_demo_data
from app.settings import ConfigurationError, Settings
from app.store.database import Database
from app.store.indexes import ensure_other_indexes, ensure_unique_indexes
from app.store.migrations import MigrationNeeded, check_schema_version, is_issuer_configured, mark_issuer_configured
from app.store.servers import refused_commands

# Why this process must not serve; the message is for the operator.
REFUSALS = (ConfigurationError, MigrationNeeded)
Tell = Callable[[str], None]


async def prepare(
    settings: Settings, database: Database, development: bool, demo: bool, tell: Tell = lambda _: None
) -> None:
    """Checks and creates what every request relies on. It can be repeated. `tell` hears what is being done.

    Raises one of REFUSALS for a database that must not be served, and Unavailable for one that does not answer.
    """
    with refused_commands(settings.database):
        tell("the schema version is not checked yet")
        await check_schema_version(database)
        tell("the issuer is not checked yet")
        if development:
            await check_development_database(database)
        else:
            await mark_issuer_configured(database)
        tell("the unique indexes are being created")
        await ensure_unique_indexes(database)
        if demo:
            tell("the demo data is being created")
            await ensure_demo_data(database, TENANT)
        database.is_prepared = True


async def check_development_database(database: Database) -> None:
    """Raises ConfigurationError for a database that was served with a configured issuer at any time."""
    if await is_issuer_configured(database):
        raise ConfigurationError(
            "This database was served with a configured issuer: the development issuer does not open it any more."
            " Set PROFILE_API_ISSUERS."
        )


async def complete(settings: Settings, database: Database) -> None:
    """Creates what makes requests fast and keeps the database small. Requests are answered meanwhile."""
    await ensure_other_indexes(database, settings.log_retention_days)
