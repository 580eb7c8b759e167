"""Faults and load: a killed primary, a stopped service, a database that hangs, and floods of requests."""

import asyncio
import os
import re
import signal
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from pymongo import MongoClient

from app.auth.development import USER_SCOPES, mint
from app.domain.demo import JOHN_DOE
from app.store.embedded.instance import find_url, read_instance
from tests.replica import replica_set
from tests.serving import Served, eventually, serve

WRITE = (
    """mutation($patch: JSON!) { updateUserMetadata(input: {patch: $patch}) { user { version } errors { code } } }"""
)
READ = "{ viewer { userId version name userMetadata } }"


async def post(client: httpx.AsyncClient, token: str, query: str, **variables: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"}
    return await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)


class Load:
    """Callers that each write a new key, and read between writes. `acknowledged` contains the keys of successful writes."""

    def __init__(self, served: Served, token: str) -> None:
        self.served = served
        self.token = token
        self.stopped = asyncio.Event()
        self.acknowledged: set[str] = set()
        self.refused: list[list[str]] = []
        self.wrong: list[str] = []

    async def run(self, callers: int) -> None:
        async with httpx.AsyncClient(base_url=self.served.url, timeout=40) as client:
            await asyncio.gather(*(self._caller(client, number) for number in range(callers)))

    async def _caller(self, client: httpx.AsyncClient, number: int) -> None:
        count = 0
        while not self.stopped.is_set():
            count += 1
            key = f"k{number}-{count}"
            answer = (await post(client, self.token, WRITE, patch={key: count})).json()
            if "errors" in answer:
                self.refused.append([each["extensions"]["code"] for each in answer["errors"]])
            elif answer["data"]["updateUserMetadata"]["errors"]:
                self.refused.append([each["code"] for each in answer["data"]["updateUserMetadata"]["errors"]])
            else:
                self.acknowledged.add(key)
            before = len(self.acknowledged)
            answer = (await post(client, self.token, READ)).json()
            if "errors" in answer:
                self.refused.append([each["extensions"]["code"] for each in answer["errors"]])
            elif answer["data"]["viewer"]["userId"] != JOHN_DOE or answer["data"]["viewer"]["version"] < before:
                self.wrong.append(str(answer))


async def test_killed_primary_loses_and_repeats_no_write(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with (
        replica_set(tmp_path / "members") as members,
        serve(data_dir, "--demo", PROFILE_API_MONGODB_URL=members.url) as served,
    ):
        load = Load(served, mint(data_dir, JOHN_DOE, "web", USER_SCOPES, 3600))
        running = asyncio.create_task(load.run(6))
        await enough(load, 30)
        await asyncio.to_thread(members.kill_primary)
        # The service continues with the new primary, without a restart.
        await enough(load, len(load.acknowledged) + 60)
        load.stopped.set()
        await running
        assert load.wrong == []
        assert {code for codes in load.refused for code in codes} <= {"UNAVAILABLE", "CONTENDED"}
        with MongoClient[dict[str, Any]](members.url, readConcernLevel="majority") as client:
            database = client.profiles
            john = database.users.find_one({"user_id": JOHN_DOE})
            assert john
            events = list(database.log_events.find({"user": john["_id"], "type": "USER_METADATA_UPDATED"}))
        written = [
            change["path"].removeprefix("user_metadata.")
            for each in events
            for change in each["changes"]
            if re.match(r"user_metadata\.k\d", change["path"])
        ]
        assert load.acknowledged <= set(john["user_metadata"])
        # Each stored write has one event and one version, also when its answer was lost.
        assert len(written) == len(set(written))
        assert set(written) == {key for key in john["user_metadata"] if re.match(r"k\d", key)}
        assert john["version"] == 1 + len(written)


async def enough(load: Load, count: int) -> None:
    await asyncio.to_thread(eventually, lambda: len(load.acknowledged) >= count, "writes to be acknowledged")


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_running_requests_finish_before_the_service_ends(tmp_path: Path, workers: str) -> None:
    log = tmp_path / "log"
    with serve(tmp_path / "data", "--demo", "--workers", workers, log=log) as served:
        url = find_url(tmp_path / "data")
        assert url
        token = mint(tmp_path / "data", JOHN_DOE, "web", USER_SCOPES, 3600)
        with MongoClient[dict[str, Any]](url) as database:
            async with httpx.AsyncClient(base_url=served.url, timeout=40) as client:
                assert (await post(client, token, READ)).status_code == 200
                # Writes wait while the database is locked.
                database.admin.command("fsync", lock=True)
                write = asyncio.create_task(post(client, token, WRITE, patch={"late": 1}))
                await asyncio.to_thread(eventually, lambda: is_waiting(database), "the write to wait")
                served.process.send_signal(signal.SIGTERM)
                # The service refuses new connections. It does not accept and then reset them.
                assert await asyncio.to_thread(until_refused, served) <= {"answered"}
                assert served.process.poll() is None
                assert "Finished" not in log.read_text()
                database.admin.command("fsyncUnlock")
                answer = await write
        assert answer.json()["data"]["updateUserMetadata"]["errors"] == []
        assert await asyncio.to_thread(served.process.wait, 10) == 0
    assert f"Finished process [{served.process.pid}]" in log.read_text().splitlines()[-1]
    with serve(tmp_path / "data", "--demo") as served:
        async with httpx.AsyncClient(base_url=served.url) as client:
            viewer = (await post(client, token, READ)).json()["data"]["viewer"]
        assert viewer["userMetadata"]["late"] == 1


def until_refused(served: Served) -> set[str]:
    """Opens connections until one is refused. Returns the result of each."""
    seen: set[str] = set()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{served.url}/healthz", timeout=5)
            seen.add("answered")
        except httpx.ConnectError:
            return seen
        except httpx.HTTPError as error:
            seen.add(type(error).__name__)
    return seen | {"never refused"}


class Hanging:
    """A service whose database hangs while a request waits for it."""

    def __init__(self, served: Served, data_dir: Path) -> None:
        running = read_instance(data_dir)
        assert running
        self.served = served
        self.mongod = running.pid
        os.kill(self.mongod, signal.SIGSTOP)
        token = mint(data_dir, JOHN_DOE, "web", USER_SCOPES, 3600)
        self.asking = threading.Thread(target=self._ask, args=(token,), daemon=True)
        self.asking.start()
        # The first request times out, so that the service knows that the database hangs. The second one waits.
        assert httpx.get(f"{served.url}/readyz", timeout=20).status_code == 503

    def _ask(self, token: str) -> None:
        with suppress(httpx.HTTPError):
            httpx.post(
                f"{self.served.url}/graphql",
                json={"query": READ},
                headers={"authorization": f"Bearer {token}"},
                timeout=60,
            )

    def is_gone(self) -> bool:
        return not Path(f"/proc/{self.mongod}").exists()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_service_with_a_hanging_database_ends_in_time(tmp_path: Path, workers: str) -> None:
    log = tmp_path / "log"
    with serve(tmp_path / "data", "--demo", "--workers", workers, log=log) as served:
        hanging = Hanging(served, tmp_path / "data")
        served.process.send_signal(signal.SIGTERM)
        # The limit is 10 s. The rest is for a busy machine.
        assert served.process.wait(15) == 0
        assert hanging.is_gone()
    assert f"Finished process [{served.process.pid}]" in log.read_text().splitlines()[-1]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_second_signal_ends_the_service_at_once(tmp_path: Path, workers: str) -> None:
    log = tmp_path / "log"
    with serve(tmp_path / "data", "--demo", "--workers", workers, log=log) as served:
        hanging = Hanging(served, tmp_path / "data")
        workers_ = children(served.process.pid)
        served.process.send_signal(signal.SIGTERM)
        eventually(lambda: "refused" in outcome(served), "the service to take no more")
        assert served.process.poll() is None
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(5) == -signal.SIGTERM
        os.kill(hanging.mongod, signal.SIGCONT)
        eventually(lambda: not any(is_running(each) for each in workers_), "the other processes to end")
    stopped = log.read_text()
    assert "Traceback" not in stopped
    assert "Finished" not in stopped


def test_workers_and_database_end_with_a_killed_parent(tmp_path: Path) -> None:
    with serve(tmp_path, "--demo", "--workers", "2") as served:
        others = children(served.process.pid)
        # The parent starts two workers and the database. Python may start other processes.
        assert len(others) >= 3
        served.process.kill()
        served.process.wait()
        eventually(lambda: not any(is_running(each) for each in others), "the other processes to end")
        assert outcome(served) == "refused"


def children(parent: int) -> set[int]:
    """Returns the ids of the processes that `parent` has started."""
    found = set()
    for each in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(each.read_text().rpartition(")")[2].split()[1]) == parent:
                found.add(int(each.parent.name))
    return found


def is_running(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def outcome(served: Served) -> str:
    """Opens a connection and returns its result."""
    address = urlsplit(served.url)
    try:
        socket.create_connection((address.hostname, address.port), 5).close()
    except ConnectionRefusedError:
        return "refused"
    except OSError as error:
        return type(error).__name__
    return "accepted"


def is_waiting(database: MongoClient[dict[str, Any]]) -> bool:
    running = database.admin.command("currentOp", {"waitingForLock": True})["inprog"]
    return bool(running)


def resident(pid: int) -> int:
    """Returns the resident memory of a process in bytes."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found.group(1)) * 1024


async def test_floods_use_no_memory_and_valid_callers_are_served(
    tmp_path: Path,
) -> None:
    with serve(tmp_path, "--demo") as served:
        token = mint(tmp_path, JOHN_DOE, "web", USER_SCOPES, 3600)
        head, claims, _ = token.split(".")

        async with httpx.AsyncClient(base_url=served.url, timeout=40) as client:

            async def flood(number: int) -> None:
                signature = f"{number:086d}"
                answers = [
                    await post(client, f"{head}.{claims}.{signature}", READ),
                    await post(client, "x" * 15_000, READ),
                    await post(client, token, f"{{ viewer {{ nope{number} }} }}" + "#" * 20_000),
                    await post(client, token, f"{{ a{number}: viewer {{ " + "roles { users { nodes { " * 8),
                    await post(
                        client,
                        token,
                        f"query Q{number} {{ users(first: 100) {{ nodes {{ {'roles { users { nodes { ' * 3} id {'} } }' * 3} }} }} }}",
                    ),
                ]
                assert [each.status_code for each in answers] == [401, 401, 200, 200, 200]
                assert all(each.json()["errors"] for each in answers)

            async def wave(start: int, floods: int) -> None:
                for each in range(start, start + floods, 10):
                    good = asyncio.create_task(post(client, token, READ))
                    await asyncio.gather(*(flood(each + n) for n in range(10)))
                    answer = await good
                    assert answer.json()["data"]["viewer"]["userId"] == JOHN_DOE

            await wave(0, 100)
            before = resident(served.process.pid)
            await wave(1_000, 200)
            # 1,000 invalid requests with 10 MB of text were sent since then.
            assert resident(served.process.pid) - before < 8_000_000


def test_idle_connections_are_closed_and_block_no_caller(tmp_path: Path) -> None:
    limits: dict[str, Any] = {"PROFILE_API_HEAD_SECONDS": "2", "PROFILE_API_MAX_CONNECTIONS": "200"}
    with serve(tmp_path, "--demo", **limits) as served:
        address = (urlsplit(served.url).hostname, urlsplit(served.url).port)
        halves = [socket.create_connection(address, 10) for _ in range(300)]
        for each in halves:
            each.sendall(b"POST /graphql HTTP/1.1\r\nhost: localhost\r\nx")
        assert httpx.get(f"{served.url}/healthz", timeout=10).status_code == 200
        assert [received(each)[:12] for each in halves[:99]] == [b""] * 99
        assert received(halves[-1])[:12] == b"HTTP/1.1 408"
        large = {"x-large": "a" * 33_000}
        assert httpx.get(f"{served.url}/healthz", headers=large, timeout=10).status_code == 431
        for each in halves:
            each.close()


def received(connection: socket.socket) -> bytes:
    """Returns the bytes that arrive until the service closes the connection."""
    parts = b""
    with suppress(ConnectionError):
        while part := connection.recv(65_536):
            parts += part
    return parts
