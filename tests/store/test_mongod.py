"""The embedded mongod: its data survives, access needs a password, and it ends with its parent."""

import asyncio
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from app.domain.errors import Unavailable
from app.settings import ConfigurationError
from app.store.database import Database, driver_errors, no_time_limit
from app.store.embedded import binary, instance
from app.store.embedded.binary import MongodError, check_libraries, find_binary
from app.store.embedded.instance import find_url, is_mongod, is_writable, read_instance, wait_for_url, write_instance
from app.store.embedded.mongod import Mongod
from app.store.embedded.process import rotate
from app.store.rates import Rates
from tests.serving import environment, eventually


@contextmanager
def things(url: str) -> Iterator[Any]:
    with MongoClient[dict[str, Any]](url, w="majority", journal=True, serverSelectionTimeoutMS=5_000) as client:
        yield client.test.things


def port_of(url: str) -> int:
    return int(url.partition("127.0.0.1:")[2].partition("/")[0])


def test_mongod_keeps_data_and_url_after_stop_and_kill(tmp_path: Path) -> None:
    urls = []
    for number in range(3):
        mongod = Mongod(tmp_path)
        with mongod, things(mongod.url) as collection:
            urls.append(mongod.url)
            assert collection.count_documents({}) == number
            collection.insert_one({"number": number})
            if number == 1:
                os.kill(mongod.pid, signal.SIGKILL)
    assert len(set(urls)) == 1


def test_mongod_uses_another_port_if_its_port_is_taken(tmp_path: Path) -> None:
    with Mongod(tmp_path) as mongod, things(mongod.url) as collection:
        collection.insert_one({"kept": True})
        port = port_of(mongod.url)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        with Mongod(tmp_path) as mongod, things(mongod.url) as collection:
            assert port_of(mongod.url) != port
            assert collection.count_documents({"kept": True}) == 1
            collection.insert_one({})


def test_access_needs_the_password_that_only_the_owner_reads(tmp_path: Path) -> None:
    with Mongod(tmp_path) as mongod:
        anonymous = f"mongodb://127.0.0.1:{port_of(mongod.url)}/?directConnection=true"
        with things(anonymous) as collection, pytest.raises(OperationFailure):
            collection.find_one()
        for name in ("mongod.json", "mongod.key"):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "db").stat().st_mode) == 0o700
        arguments = Path(f"/proc/{mongod.pid}/cmdline").read_text().split("\0")
        password = json.loads((tmp_path / "mongod.json").read_text())["password"]
        assert password not in " ".join(arguments)
        assert password not in (tmp_path / "mongod.log").read_text()
        assert arguments[arguments.index("--networkMessageCompressors") + 1] == "disabled"
        assert arguments[arguments.index("--bind_ip") + 1] == "127.0.0.1"
        # mongod has its own session, so that Ctrl-C in the terminal reaches only the service.
        assert os.getsid(mongod.pid) == mongod.pid


def test_other_processes_use_the_running_mongod(tmp_path: Path) -> None:
    assert find_url(tmp_path) is None
    with Mongod(tmp_path) as mongod:
        assert find_url(tmp_path) == mongod.url
        with pytest.raises(MongodError, match="Another service uses"):
            Mongod(tmp_path).start()
        assert find_url(tmp_path) == mongod.url
    assert find_url(tmp_path) is None


def test_mongod_ends_with_its_parent_and_can_start_again(tmp_path: Path) -> None:
    script = "import sys, time; from pathlib import Path; from app.store.embedded.mongod import Mongod\n"
    script += "m = Mongod(Path(sys.argv[1])); m.start(); print(m.pid, flush=True); time.sleep(600)"
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], env=environment(tmp_path), stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.wait()
    owner.stdout.close()
    # The next start waits until the previous mongod has stopped.
    with Mongod(tmp_path) as mongod, things(mongod.url) as collection:
        assert mongod.pid != pid
        assert not is_mongod(pid)
        collection.insert_one({})


def test_mongod_that_ends_is_restarted_if_requested(tmp_path: Path) -> None:
    with Mongod(tmp_path) as mongod:
        mongod.keep_running()
        first = mongod.pid
        os.kill(first, signal.SIGKILL)
        eventually(lambda: find_url(tmp_path) and mongod.pid != first, "another mongod")
        with things(mongod.url) as collection:
            collection.insert_one({})
    assert find_url(tmp_path) is None


def test_copy_of_a_live_directory_is_another_database(tmp_path: Path) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    with Mongod(original) as mongod, things(mongod.url) as collection:
        collection.insert_one({"of": "original"})
        shutil.copytree(original, copy)
        assert find_url(original) == mongod.url
        assert find_url(copy) is None
        assert wait_for_url(copy) is None
        with Mongod(copy) as copied, things(copied.url) as other:
            assert port_of(copied.url) != port_of(mongod.url)
            assert find_url(copy) == copied.url
            # The copy also has the writes that were only in the journal and the oplog.
            assert other.count_documents({"of": "original"}) == 1
            other.insert_one({"of": "copy"})
        assert collection.count_documents({}) == 1


def test_moved_directory_keeps_its_data(tmp_path: Path) -> None:
    with Mongod(tmp_path / "before") as mongod, things(mongod.url) as collection:
        collection.insert_one({})
    (tmp_path / "before").rename(tmp_path / "after")
    with Mongod(tmp_path / "after") as mongod, things(mongod.url) as collection:
        assert find_url(tmp_path / "after") == mongod.url
        assert collection.count_documents({}) == 1


def test_wait_for_the_url_ends_when_there_is_a_primary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, False, True])
    with Mongod(tmp_path) as mongod:
        monkeypatch.setattr(instance, "is_writable", lambda _: next(answers))
        assert find_url(tmp_path) is None
        assert wait_for_url(tmp_path) == mongod.url
    # No process uses the directory, so there is no wait.
    monkeypatch.setattr(instance, "find_url", lambda _: None)
    assert wait_for_url(tmp_path) is None


def test_url_is_that_of_a_primary_that_accepts_the_password(tmp_path: Path) -> None:
    with Mongod(tmp_path):
        running = read_instance(tmp_path)
        assert running
        assert is_writable(running)
        assert not is_writable(replace(running, password="another"))
        with MongoClient[dict[str, Any]](running.url) as client:
            client.admin.command("replSetStepDown", 60, force=True)
        assert not is_writable(running)
        assert find_url(tmp_path) is None
        # A secondary needs 15 s to end regularly, so it is killed.
        os.kill(running.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "port": 2, "password": "p", "directory": 3}']
)
def test_broken_file_with_the_url_is_not_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / "mongod.json").write_text(content)
    with pytest.raises(ConfigurationError, match=f"PROFILE_API_DATA_DIR: {tmp_path}/mongod.json does not describe"):
        Mongod(tmp_path).start()
    assert (tmp_path / "mongod.json").read_text() == content


def test_lost_password_is_reported_at_once(tmp_path: Path) -> None:
    with Mongod(tmp_path):
        running = read_instance(tmp_path)
        assert running
    (tmp_path / "mongod.json").unlink()
    with pytest.raises(ConfigurationError, match=r"mongod\.json is missing, and it contains the password"):
        Mongod(tmp_path).start()
    write_instance(tmp_path, replace(running, password="another"))
    with pytest.raises(MongodError, match=r"Restore mongod\.json"):
        Mongod(tmp_path).start()


def test_logs_of_earlier_runs_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "mongod.log"
    for number in range(8):
        log.write_text(str(number))
        rotate(log)
    assert sorted(each.name for each in tmp_path.iterdir()) == [f"mongod.log.{number}" for number in range(1, 6)]
    assert [(tmp_path / f"mongod.log.{number}").read_text() for number in (1, 5)] == ["7", "3"]


def test_reason_of_a_crash_can_be_read_after_a_restart(tmp_path: Path) -> None:
    with Mongod(tmp_path) as first:
        pid = first.pid
        os.kill(pid, signal.SIGABRT)
        eventually(lambda: not is_mongod(pid), "mongod to end")
    with Mongod(tmp_path):
        assert (
            "SIGABRT" in (tmp_path / "mongod.log.1").read_text()
            or "Got signal: 6" in (tmp_path / "mongod.log.1").read_text()
        )


def test_missing_mongod_is_reported_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(_: str) -> None:
        raise PackageNotFoundError

    monkeypatch.setattr("app.store.embedded.binary.shutil.which", lambda _: None)
    assert find_binary(None).name == "mongod"
    monkeypatch.setattr(binary, "files", missing)
    with pytest.raises(MongodError) as refused:
        find_binary(None)
    for way in ("PROFILE_API_MONGODB_URL", "PROFILE_API_MONGOD", "profile-api[embedded]"):
        assert way in str(refused.value)
    with pytest.raises(MongodError, match="PROFILE_API_MONGOD names"):
        find_binary(tmp_path / "nothing")
    monkeypatch.setattr("app.store.embedded.binary.shutil.which", lambda _: "/somewhere/mongod")
    assert find_binary(None) == Path("/somewhere/mongod")
    assert find_binary(Path(sys.executable)) == Path(sys.executable).resolve()


def test_other_machines_get_advice_what_to_install() -> None:
    told = binary._describe_missing("darwin", "arm64")
    assert "no package of it for darwin on arm64" in told
    assert "embedded" not in told
    for way in ("on PATH", "PROFILE_API_MONGOD ", "PROFILE_API_MONGODB_URL"):
        assert way in told


def test_missing_library_is_reported_with_its_package() -> None:
    listing = "\tlibcurl.so.4 => not found\n\tlibssl.so.3 => not found\n\tlibm.so.6 => /lib/libm.so.6 (0x1)\n\tlibx.so.1 => not found\n"
    with pytest.raises(MongodError) as refused:
        check_libraries(Path("/m"), run=lambda _: listing)
    for told in ("libcurl.so.4", "libcurl4", "libssl3", "libx.so.1", "PROFILE_API_MONGODB_URL"):
        assert told in str(refused.value)
    assert "libm" not in str(refused.value)
    check_libraries(Path("/m"), run=lambda _: "\tlibm.so.6 => /lib/libm.so.6 (0x1)\n")


def test_failed_start_is_reported_with_the_end_of_the_log(tmp_path: Path) -> None:
    program = tmp_path / "mongod"
    script = ["#!/bin/sh", '[ "$1" = --version ] && echo "db version v1" && exit']
    script += ['while [ "$1" != --logpath ]; do shift; done', 'echo "no room" > "$2"', "exit 3", ""]
    program.write_text("\n".join(script))
    program.chmod(0o755)
    with pytest.raises(MongodError, match=r"mongod ended with exit status 3: no room \(see .*mongod.log\)$"):
        Mongod(tmp_path, program).start()
    # The directory can be used again.
    with Mongod(tmp_path):
        pass


async def test_hanging_database_is_unavailable_without_time_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.store.database._PING_SECONDS", 0.3)
    with Mongod(tmp_path) as mongod:
        monkeypatch.setattr("app.store.database.OPERATION_TIMEOUT_MS", 60_000)
        patient = Database.connect(mongod.url, "test")
        monkeypatch.setattr("app.store.database.OPERATION_TIMEOUT_MS", 300)
        database = Database.connect(mongod.url, "test")
        rates = Rates("caller", "1/hour", mongod.url, "test")
        await patient.ping()
        assert await rates.hit("john")
        os.kill(mongod.pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(10):
                with pytest.raises(Unavailable), driver_errors():
                    await database["users"].find_one({})
                with pytest.raises(Unavailable):
                    await patient.ping()
                assert await rates.hit("jane") is None
        finally:
            os.kill(mongod.pid, signal.SIGCONT)
        # A command that takes long because of much data is not stopped.
        slow = {"$where": "sleep(600) || true"}
        await database["users"].insert_one({})
        with pytest.raises(Unavailable), driver_errors():
            await database["users"].find_one(slow)
        with no_time_limit():
            assert await database["users"].find_one(slow)
        database.close()
        patient.close()


def test_mongod_that_hangs_is_killed(tmp_path: Path) -> None:
    mongod = Mongod(tmp_path)
    mongod.start()
    pid = mongod.pid
    os.kill(pid, signal.SIGSTOP)
    mongod.stop(0.2)
    assert not Path(f"/proc/{pid}").exists()
