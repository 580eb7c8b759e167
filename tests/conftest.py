"""Fixtures of all tests: a mongod for each test process, the service that uses it, and a tenant for each test."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from pymongo import monitoring

from app.main import build
from app.preparation import complete, prepare
from app.settings import Settings
from app.store.database import Database
from app.store.embedded.mongod import Mongod
from tests.mailbox import Mailbox, smtp_server
from tests.memory import memory_directory
from tests.world import World

# Commands that the driver sends when it opens a connection. Their number depends on how busy the machine is.
_HANDSHAKE = frozenset({"hello", "isMaster", "saslStart", "saslContinue"})


class Commands(monitoring.CommandListener):
    """Records the names of the database commands of a test, in order."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name not in _HANDSHAKE:
            self.names.append(event.command_name)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...


COMMANDS = Commands()
monitoring.register(COMMANDS)


@pytest.fixture(scope="session")
def data_dir() -> Iterator[Path]:
    with memory_directory() as folder:
        yield folder


@pytest.fixture(scope="session")
def mongod_url(data_dir: Path) -> Iterator[str]:
    with Mongod(data_dir) as mongod:
        yield mongod.url


@pytest.fixture(scope="session")
def settings(data_dir: Path) -> Settings:
    return Settings(data_dir=data_dir)


@pytest.fixture(scope="session")
async def database(mongod_url: str, settings: Settings) -> AsyncIterator[Database]:
    database = Database.connect(mongod_url, "test")
    await prepare(settings, database, development=True, demo=False)
    await complete(settings, database)
    yield database
    database.close()


@pytest.fixture(scope="session")
async def client(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Sends requests to the service in this process."""
    transport = httpx.ASGITransport(app=build(settings, database))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


@pytest.fixture
def world(database: Database, client: httpx.AsyncClient, data_dir: Path) -> World:
    """A new tenant, without any documents."""
    return World(f"t-{uuid.uuid4().hex[:12]}", database, client, data_dir)


@pytest.fixture
async def mailbox(database: Database) -> AsyncIterator[Mailbox]:
    """An SMTP server that receives the mails of this test. The outbox is empty when the test begins."""
    await database["mails"].delete_many({})
    with smtp_server() as mailbox:
        mailbox.database = database
        yield mailbox


@pytest.fixture
def commands() -> list[str]:
    """The database commands since the test began. A test clears the list to count from a later moment."""
    COMMANDS.names.clear()
    return COMMANDS.names
