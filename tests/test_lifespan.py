"""The lifespan of a worker: which preparation requests and jobs wait for, and what happens when it fails."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pymongo import MongoClient
from starlette.applications import Starlette

from app.domain.errors import Unavailable
from app.lifespan import ServiceLifespan
from app.main import build
from app.preparation import prepare
from app.settings import ConfigurationError, Settings
from app.store.database import Database
from app.store.migrations import MigrationNeeded, mark_issuer_configured


class Job:
    """A background job that records that it runs."""

    def __init__(self) -> None:
        self.runs = asyncio.Event()

    async def run(self) -> None:
        self.runs.set()
        await asyncio.Event().wait()


class Tokens:
    async def close(self) -> None: ...


class Metrics:
    def refresh(self) -> None: ...

    def count_refusal(self, *_: Any) -> None: ...


@pytest.fixture
async def empty(mongod_url: str) -> AsyncIterator[Database]:
    """A new database without collections."""
    database = Database.connect(mongod_url, f"s{uuid4().hex[:12]}")
    yield database
    database.close()
    with MongoClient[dict[str, Any]](mongod_url) as client:
        client.drop_database(database.database.name)


def start(database: Database, settings: Settings, job: Job, refused: list[Exception]) -> ServiceLifespan:
    tokens: Any = Tokens()
    metrics: Any = Metrics()
    return ServiceLifespan(settings, database, True, False, tokens, metrics, [job.run], refused.append)


async def unique_indexes(database: Database) -> set[str]:
    found = await database["users"].index_information()
    return {name for name, index in found.items() if index.get("unique")}


async def wait_for_problem(lifespan: ServiceLifespan, expected: str | None) -> None:
    """Waits until /readyz would report this problem, or None."""
    async with asyncio.timeout(10):
        while await lifespan.problem() != expected:
            await asyncio.sleep(0.01)


async def test_requests_wait_for_unique_indexes_only(
    empty: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    creation = asyncio.Event()

    async def slow(*_: Any) -> None:
        await creation.wait()

    monkeypatch.setattr("app.preparation.ensure_other_indexes", slow)
    job = Job()
    service = start(empty, settings, job, [])
    async with service.lifespan(Starlette()):
        assert service.is_prepared()
        assert len(await unique_indexes(empty)) == 2
        await asyncio.wait_for(job.runs.wait(), 10)
        assert await service.problem() == "indexes are being created"
        creation.set()
        await wait_for_problem(service, None)


async def test_no_request_and_no_job_runs_before_preparation(
    empty: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reachable = asyncio.Event()

    async def unique(database: Database) -> None:
        if not reachable.is_set():
            raise Unavailable

    monkeypatch.setattr("app.preparation.ensure_unique_indexes", unique)
    monkeypatch.setattr("app.lifespan._RETRY_SECONDS", 0.01)
    job = Job()
    service = start(empty, settings, job, [])
    async with service.lifespan(Starlette()):
        assert not service.is_prepared()
        # Each retry begins with the steps before this one.
        await wait_for_problem(service, "the unique indexes are being created")
        assert not job.runs.is_set()
        reachable.set()
        await asyncio.wait_for(job.runs.wait(), 10)
        assert service.is_prepared()


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({"_id": "schema", "version": 2}, MigrationNeeded),
        ({"_id": "schema", "version": 0}, MigrationNeeded),
        ({"_id": "issuer", "configured": True}, ConfigurationError),
    ],
)
async def test_database_that_must_not_be_used_is_refused(
    empty: Database, settings: Settings, stored: dict[str, Any], expected: type[Exception]
) -> None:
    await empty["meta"].insert_one(stored)
    job, refused = Job(), list[Exception]()
    service = start(empty, settings, job, refused)
    async with service.lifespan(Starlette()):
        assert [type(each) for each in refused] == [expected]
        assert not service.is_prepared()
        assert await unique_indexes(empty) == set()
        assert not job.runs.is_set()


async def test_failure_to_create_a_unique_index_is_a_refusal(
    empty: Database, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    twin = {"tenant": "t", "user_id": "auth0|1", "keys": ["sub:auth0|1"]}
    await empty["users"].insert_many([dict(twin), dict(twin)])
    refused: list[Exception] = []
    service = start(empty, settings, Job(), refused)
    async with service.lifespan(Starlette()):
        assert not service.is_prepared()
    assert "the unique indexes are being created" in str(refused[0])
    assert "DuplicateKeyError" in caplog.text


async def test_failure_to_create_another_index_is_retried(
    empty: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    async def fails_once(*_: Any) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise RuntimeError

    monkeypatch.setattr("app.preparation.ensure_other_indexes", fails_once)
    monkeypatch.setattr("app.lifespan._FAILED_RETRY_SECONDS", 0.01)
    service = start(empty, settings, Job(), [])
    async with service.lifespan(Starlette()):
        await wait_for_problem(service, None)
    assert tries == 2


async def test_issuer_that_is_configured_later_ends_development(
    empty: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.lifespan._ISSUER_CHECK_SECONDS", 0.01)
    refused: list[Exception] = []
    service = start(empty, settings, Job(), refused)
    async with service.lifespan(Starlette()):
        assert service.is_prepared()
        await mark_issuer_configured(empty)
        async with asyncio.timeout(10):
            while service.is_prepared():
                await asyncio.sleep(0.01)
    assert [type(each) for each in refused] == [ConfigurationError]


async def test_new_application_answers_503_except_manual_and_health(empty: Database, settings: Settings) -> None:
    transport = httpx.ASGITransport(app=build(settings, empty))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for path in ("/healthz", "/docs"):
            assert (await client.get(path)).status_code == 200, path
        assert (await client.get("/docs/nothing")).status_code == 404
        for path in (
            "/docsx",
            "/readyz",
            "/",
            "/graphql",
            "/ticket",
            "/metrics",
            "/static/x.js",
            "/development/token",
            "/nothing",
        ):
            for headers in ({}, {"accept": "text/html"}):
                assert (await client.get(path, headers=headers)).status_code == 503, path
        await prepare(settings, empty, development=True, demo=False)
        assert (await client.post("/graphql", json={"query": "{ __typename }"})).status_code == 200


async def test_lifespan_ends_when_the_database_does_not_close(
    empty: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.lifespan._CLOSE_SECONDS", 0.05)
    hangs, close = threading.Event(), empty.close
    monkeypatch.setattr(empty, "close", hangs.wait)
    async with asyncio.timeout(10):
        async with start(empty, settings, Job(), []).lifespan(Starlette()):
            pass
    hangs.set()
    close()
