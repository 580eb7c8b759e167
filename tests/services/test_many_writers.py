"""No acknowledged write is lost among concurrent writers, or when the service or its database is killed."""

import asyncio
import json
import os
import signal
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.auth.development import APPLICATION_SCOPES, TENANT, USER_SCOPES, mint
from app.domain.demo import JOHN_DOE
from tests.serving import eventually, serve

WRITE = """
mutation($input: UpdateUserMetadataInput!) {
  updateUserMetadata(input: $input) { user { version } errors { code message } }
}
"""
READ = """
query($after: String) {
  viewer { version userMetadata logEvents(first: 100, after: $after, types: [USER_METADATA_UPDATED]) {
    nodes { userVersion changes { path before after } }
    pageInfo { hasNextPage endCursor }
  } }
}
"""
WRITERS, ROUNDS = 10, 10


def client_of(url: str, data_dir: Path) -> httpx.AsyncClient:
    token = mint(data_dir, JOHN_DOE, "web", USER_SCOPES, 3600)
    return httpx.AsyncClient(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=30)


async def ask(client: httpx.AsyncClient, query: str, **variables: object) -> dict[str, Any]:
    answer = (await client.post("/graphql", json={"query": query, "variables": variables})).json()
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


async def history(client: httpx.AsyncClient) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Returns the profile and all of its metadata events, newest first."""
    events, after = [], None
    while True:
        viewer = (await ask(client, READ, after=after))["viewer"]
        page = viewer["logEvents"]
        events += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return viewer, events


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_ten_concurrent_writers_lose_no_write(workers: str, tmp_path: Path) -> None:
    with serve(tmp_path, "--demo", "--workers", workers) as served:
        async with client_of(served.url, tmp_path) as client:
            before, _ = await history(client)

            async def write(writer: int) -> None:
                # Each writer has its own connection, so that several workers write.
                async with client_of(served.url, tmp_path) as writing:
                    for number in range(ROUNDS):
                        patch = {f"key{writer}": {str(number): number}}
                        answer = (await ask(writing, WRITE, input={"patch": patch}))["updateUserMetadata"]
                        assert answer["errors"] == []

            await asyncio.gather(*map(write, range(WRITERS)))
            after, events = await history(client)

    assert after["version"] == before["version"] + WRITERS * ROUNDS
    for writer in range(WRITERS):
        assert after["userMetadata"][f"key{writer}"] == {str(number): number for number in range(ROUNDS)}
    written = [each for each in events if each["userVersion"] and each["userVersion"] > before["version"]]
    assert sorted(each["userVersion"] for each in written) == list(range(before["version"] + 1, after["version"] + 1))
    changes = {change["path"]: (change["before"], change["after"]) for each in written for change in each["changes"]}
    expected = {
        f"user_metadata.key{writer}.{number}": (None, number) for writer in range(WRITERS) for number in range(ROUNDS)
    }
    assert changes == expected


async def write_on(url: str, data_dir: Path, writer: int, acknowledged: set[str], stop: asyncio.Event) -> None:
    """Writes one key after another and records the acknowledged keys. Ends when `stop` is set or the service is gone."""
    async with client_of(url, data_dir) as client:
        for number in count():
            if stop.is_set():
                return
            key = f"w{writer}-{number}"
            body = {"query": WRITE, "variables": {"input": {"patch": {key: 1}}}}
            try:
                answer = (await client.post("/graphql", json=body)).json()
            except (httpx.HTTPError, json.JSONDecodeError):
                return
            payload = (answer.get("data") or {}).get("updateUserMetadata")
            if payload and not payload["errors"]:
                acknowledged.add(key)


async def wait_for_more(keys: set[str], by: int) -> None:
    wanted = len(keys) + by
    async with asyncio.timeout(60):
        while len(keys) < wanted:
            await asyncio.sleep(0.01)


async def metadata_keys(url: str, data_dir: Path) -> set[str]:
    async with client_of(url, data_dir) as client:
        return set((await ask(client, "{ viewer { userMetadata } }"))["viewer"]["userMetadata"])


def mongod_pid(data_dir: Path) -> int:
    return json.loads((data_dir / "mongod.json").read_text())["pid"]


async def test_killed_service_loses_no_acknowledged_write(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    with serve(tmp_path, "--demo") as served:
        async with asyncio.TaskGroup() as writers:
            for writer in range(6):
                writers.create_task(write_on(served.url, tmp_path, writer, acknowledged, asyncio.Event()))
            await wait_for_more(acknowledged, by=60)
            served.process.kill()
    with serve(tmp_path, "--demo") as served:
        assert acknowledged <= await metadata_keys(served.url, tmp_path)


async def test_killed_database_returns_with_all_acknowledged_writes(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    stop = asyncio.Event()
    with serve(tmp_path, "--demo") as served:
        first = mongod_pid(tmp_path)
        async with asyncio.TaskGroup() as writers:
            for writer in range(6):
                writers.create_task(write_on(served.url, tmp_path, writer, acknowledged, stop))
            await wait_for_more(acknowledged, by=60)
            os.kill(first, signal.SIGKILL)
            await asyncio.to_thread(eventually, lambda: mongod_pid(tmp_path) != first, "another mongod")
            await wait_for_more(acknowledged, by=60)
            stop.set()
        assert acknowledged <= await metadata_keys(served.url, tmp_path)


async def test_concurrent_writes_of_user_and_application_are_stored(tmp_path: Path) -> None:
    with serve(tmp_path, "--demo", "--workers", "2") as served:
        token = mint(tmp_path, "support@clients", "support", APPLICATION_SCOPES, 3600, TENANT)
        update = """mutation($input: UpdateAppMetadataInput!) {
          updateAppMetadata(input: $input) { errors { code } }
        }"""
        async with client_of(served.url, tmp_path) as john, client_of(served.url, tmp_path) as support:
            support.headers["authorization"] = f"Bearer {token}"
            before = (await ask(john, "{ viewer { version } }"))["viewer"]["version"]
            for number in range(10):
                of_user = ask(john, WRITE, input={"patch": {"n": number + 1}})
                of_application = ask(support, update, input={"userId": JOHN_DOE, "patch": {"n": number + 1}})
                await asyncio.gather(of_user, of_application)
            assert (await ask(john, "{ viewer { version } }"))["viewer"]["version"] == before + 20
