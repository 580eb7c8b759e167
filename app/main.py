"""The composition root: settings, store, services, schema, web."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.types import ASGIApp

from app.auth.development import TENANT, TENANT_CLAIM, check_development, development_issuer
from app.auth.tokens import Tokens
from app.domain.errors import Unavailable
from app.jobs.demo import ensure_demo_data
from app.schema.context import Services
from app.schema.execution import Engine, build_schema
from app.services.attributes import RootAttributes
from app.services.callers import Callers
from app.services.changes import ProfileChanges
from app.services.metadata import Metadata
from app.services.reads import Reads
from app.services.users import Users as NamedUsers
from app.settings import ConfigurationError, Settings, load_settings
from app.store.database import Database
from app.store.documents import Documents
from app.store.indexes import ensure_indexes
from app.store.migrations import check_schema_version, is_issuer_configured, mark_issuer_configured
from app.store.mongod import join
from app.store.snapshots import Snapshots
from app.store.users import Users
from app.web.application import build_application

# Set by `serve --demo` for itself and its workers; to anybody else's process it says nothing.
DEMO_VARIABLE = "PROFILE_API_DEMO_OF"
_RETRY_SECONDS = 1.0
_PING_SECONDS = 2.0


def create() -> ASGIApp:
    """What uvicorn serves. ConfigurationError where the environment does not say enough, or too much."""
    settings = load_settings()
    demo = os.environ.get(DEMO_VARIABLE) in (str(os.getpid()), str(os.getppid()))
    url = settings.mongodb_url or join(settings.data_dir)
    if url is None:
        raise ConfigurationError("No database: start with `profile-api serve`, or set PROFILE_API_MONGODB_URL.")
    return build(settings, Database.connect(url, settings.database), demo)


def build(settings: Settings, database: Database, demo: bool = False) -> ASGIApp:
    """The application on a given database."""
    development = check_development(settings, demo)
    tokens = to_tokens(settings, development)
    start = Start(settings, database, development, demo)
    engine = Engine(build_schema(), build_services(settings, database))
    return build_application(engine, tokens, start.problem, start.lifespan, development)


def to_tokens(settings: Settings, development: bool) -> Tokens:
    if development:
        return Tokens([development_issuer(settings.data_dir)], tenant_claim=TENANT_CLAIM)
    return Tokens(settings.issuers or [])


def build_services(settings: Settings, database: Database) -> Services:
    documents = Documents(database)
    snapshots = Snapshots(documents)
    reads = Reads(documents, snapshots)
    changes = ProfileChanges(Users(database))
    return Services(
        reads=reads,
        callers=Callers(reads, snapshots),
        users=NamedUsers(snapshots),
        metadata=Metadata(changes, settings.metadata_max_bytes),
        root_attributes=RootAttributes(changes, documents),
    )


async def prepare(settings: Settings, database: Database, development: bool, demo: bool) -> None:
    """Makes the database ready to be served; doing it again does no harm."""
    await check_schema_version(database)
    await ensure_indexes(database, settings.log_retention_days)
    if not development:
        await mark_issuer_configured(database)
    elif await is_issuer_configured(database):
        raise ConfigurationError(
            "This database was served with a configured issuer: the development issuer does not open it any more."
            " Set PROFILE_API_ISSUERS."
        )
    if demo:
        await ensure_demo_data(database, TENANT)


@dataclass(slots=True)
class Start:
    """Prepares the database while the service starts, and goes on trying where it can't be reached yet."""

    settings: Settings
    database: Database
    development: bool
    demo: bool
    prepared: bool = False

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        trying: asyncio.Task[None] | None = None
        try:
            await self._prepare()
        except Unavailable:
            trying = asyncio.create_task(self._go_on_trying())
        yield
        if trying is not None:
            trying.cancel()
            with suppress(asyncio.CancelledError):
                await trying
        self.database.close()

    async def problem(self) -> str | None:
        """Why the service can't serve now."""
        try:
            await asyncio.wait_for(self.database.ping(), _PING_SECONDS)
        except (Unavailable, TimeoutError):
            return "the database does not answer"
        return None if self.prepared else "the database is not prepared yet"

    async def _prepare(self) -> None:
        await prepare(self.settings, self.database, self.development, self.demo)
        self.prepared = True

    async def _go_on_trying(self) -> None:
        while not self.prepared:
            await asyncio.sleep(_RETRY_SECONDS)
            with suppress(Unavailable):
                await self._prepare()
