"""Preparing the database: what must be done before requests are answered, and what may complete later."""

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
    """Background work that only notes that it runs."""

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
    """A database without anything in it."""
    database = Database.connect(mongod_url, f"s{uuid4().hex[:12]}")
    yield database
    database.close()
    with MongoClient[dict[str, Any]](mongod_url) as client:
        client.drop_database(database.database.name)


def start(database: Database, settings: Settings, job: Job, refused: list[Exception]) -> ServiceLifespan:
    some: Any = Tokens()
    metrics: Any = Metrics()
    return ServiceLifespan(settings, database, True, False, some, metrics, [job.run], refused.append)


async def unique_indexes(database: Database) -> set[str]:
    found = await database["users"].index_information()
    return {name for name, index in found.items() if index.get("unique")}


async def reaches(step: ServiceLifespan, expected: str | None) -> None:
    async with asyncio.timeout(10):
        while await step.problem() != expected:
            await asyncio.sleep(0.01)


async def test_requests_wait_for_unique_indexes_and_not_for_others(
    empty: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    going_on = asyncio.Event()

    async def slow(*_: Any) -> None:
        await going_on.wait()

    monkeypatch.setattr("app.preparation.ensure_other_indexes", slow)
    job = Job()
    one = start(empty, settings, job, [])
    async with one.lifespan(Starlette()):
        assert one.is_prepared()
        assert len(await unique_indexes(empty)) == 2
        await asyncio.wait_for(job.runs.wait(), 10)
        assert await one.problem() == "indexes are being created"
        going_on.set()
        await reaches(one, None)


async def test_nothing_is_served_and_no_job_runs_before_preparation(
    empty: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reachable = asyncio.Event()

    async def unique(database: Database) -> None:
        if not reachable.is_set():
            raise Unavailable

    monkeypatch.setattr("app.preparation.ensure_unique_indexes", unique)
    monkeypatch.setattr("app.lifespan._RETRY_SECONDS", 0.01)
    job = Job()
    one = start(empty, settings, job, [])
    async with one.lifespan(Starlette()):
        assert not one.is_prepared()
        assert await one.problem() == "the unique indexes are being created"
        assert not job.runs.is_set()
        reachable.set()
        await asyncio.wait_for(job.runs.wait(), 10)
        assert one.is_prepared()


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({"_id": "schema", "version": 2}, MigrationNeeded),
        ({"_id": "schema", "version": 0}, MigrationNeeded),
        ({"_id": "issuer", "configured": True}, ConfigurationError),
    ],
)
async def test_a_database_that_must_not_be_served_is_refused(
    empty: Database, settings: Settings, stored: dict[str, Any], expected: type[Exception]
) -> None:
    await empty["meta"].insert_one(stored)
    job, refused = Job(), list[Exception]()
    one = start(empty, settings, job, refused)
    async with one.lifespan(Starlette()):
        assert [type(each) for each in refused] == [expected]
        assert not one.is_prepared()
        assert await unique_indexes(empty) == set()
        assert not job.runs.is_set()


async def test_a_unique_index_that_can_not_be_made_is_a_refusal(
    empty: Database, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    twin = {"tenant": "t", "user_id": "auth0|1", "keys": ["sub:auth0|1"]}
    await empty["users"].insert_many([dict(twin), dict(twin)])
    refused: list[Exception] = []
    one = start(empty, settings, Job(), refused)
    async with one.lifespan(Starlette()):
        assert not one.is_prepared()
    assert "the unique indexes are being created" in str(refused[0])
    assert "DuplicateKeyError" in caplog.text


async def test_an_index_that_can_not_be_made_is_tried_again(
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
    one = start(empty, settings, Job(), [])
    async with one.lifespan(Starlette()):
        await reaches(one, None)
    assert tries == 2


async def test_an_issuer_that_is_configured_later_ends_development(
    empty: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.lifespan._ISSUER_CHECK_SECONDS", 0.01)
    refused: list[Exception] = []
    one = start(empty, settings, Job(), refused)
    async with one.lifespan(Starlette()):
        assert one.is_prepared()
        await mark_issuer_configured(empty)
        async with asyncio.timeout(10):
            while one.is_prepared():
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


async def test_a_database_that_does_not_close_is_left(
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
