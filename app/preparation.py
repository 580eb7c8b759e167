"""Prepares the database before a process answers requests: checks it, and creates indexes and demo data.

Several processes can do all of this at the same time, and repeatedly.
"""

from collections.abc import Callable

from app.auth.development import TENANT
from app.jobs.demo.seed import ensure_demo_data
from app.settings import ConfigurationError, Settings
from app.store.database import Database
from app.store.indexes import ensure_other_indexes, ensure_unique_indexes
from app.store.migrations import MigrationNeeded, check_schema_version, is_issuer_configured, mark_issuer_configured
from app.store.servers import refused_commands

# The errors for a database that this process must not use. Their messages are for the operator.
REFUSALS = (ConfigurationError, MigrationNeeded)
ReportStep = Callable[[str], None]


async def prepare(
    settings: Settings, database: Database, development: bool, demo: bool, report: ReportStep = lambda _: None
) -> None:
    """Does the checks, and creates what requests rely on. `report` is called with each step that is not done yet.

    Raises one of REFUSALS for a database that this process must not use, and Unavailable if the database does not
    answer.
    """
    with refused_commands(settings.database):
        report("the schema version is not checked yet")
        await check_schema_version(database)
        report("the issuer is not checked yet")
        if development:
            await check_development_database(database)
        else:
            await mark_issuer_configured(database)
        # Without the unique indexes, two requests could create the same user twice.
        report("the unique indexes are being created")
        await ensure_unique_indexes(database)
        if demo:
            report("the demo data is being created")
            await ensure_demo_data(database, TENANT)
        database.is_prepared = True


async def check_development_database(database: Database) -> None:
    """Raises ConfigurationError for a database that was ever used with a configured issuer."""
    if await is_issuer_configured(database):
        raise ConfigurationError(
            "This database was used with a configured issuer, so it does not accept the development issuer any more."
            " Set PROFILE_API_ISSUERS."
        )


async def complete(settings: Settings, database: Database) -> None:
    """Creates the other indexes, which make requests fast and delete old data.

    The service answers requests while this function runs.
    """
    await ensure_other_indexes(database, settings.log_retention_days)
