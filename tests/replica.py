"""A replica set of three members on loopback, with the mongod that the service embeds."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from app.store.embedded.binary import find_binary
from tests.provider import free_port
from tests.serving import eventually


@dataclass
class ReplicaSet:
    """A running replica set. `members` are its processes by port."""

    url: str
    members: dict[int, subprocess.Popen[bytes]]

    def primary(self) -> int | None:
        """Returns the port of the primary, or None while there is none."""
        with suppress(PyMongoError), MongoClient[dict[str, Any]](self.url, serverSelectionTimeoutMS=2_000) as client:
            client.admin.command("ping")
            return client.primary[1] if client.primary else None
        return None

    def kill_primary(self) -> int:
        """Kills the primary with SIGKILL. Returns its port."""
        eventually(self.primary, "a primary")
        port = self.primary()
        assert port
        self.members[port].kill()
        self.members[port].wait()
        return port


@contextmanager
def replica_set(folder: Path) -> Iterator[ReplicaSet]:
    """Runs a replica set until the end of the block. It has a primary when the block begins."""
    ports = [free_port() for _ in range(3)]
    members = {port: member(folder / str(port), port, "--replSet", "rs") for port in ports}
    hosts = [f"127.0.0.1:{port}" for port in ports]
    try:
        for host in hosts:
            eventually(lambda host=host: answers(host), f"{host} to answer")  # type: ignore[misc]
        with MongoClient[dict[str, Any]](hosts[0], directConnection=True) as client:
            configured = [{"_id": number, "host": host} for number, host in enumerate(hosts)]
            # The default settings would make each election take 10 seconds.
            settings = {"electionTimeoutMillis": 2_000, "heartbeatIntervalMillis": 500}
            client.admin.command("replSetInitiate", {"_id": "rs", "members": configured, "settings": settings})
        made = ReplicaSet(f"mongodb://{','.join(hosts)}/?replicaSet=rs", members)
        eventually(made.primary, "a primary")
        yield made
    finally:
        for each in members.values():
            each.kill()
            each.wait()


def member(data: Path, port: int, *more: str) -> subprocess.Popen[bytes]:
    """Starts a mongod with its data in `data`."""
    data.mkdir(parents=True, exist_ok=True)
    options = [*more, "--dbpath", str(data), "--port", str(port), "--bind_ip", "127.0.0.1", "--quiet"]
    options += ["--oplogSize", "64", "--wiredTigerCacheSizeGB", "0.25", "--networkMessageCompressors", "disabled"]
    options += ["--nounixsocket", "--logpath", str(data / "log")]
    return subprocess.Popen([str(find_binary(None)), *options], stdout=subprocess.DEVNULL)


def answers(host: str) -> bool:
    with (
        suppress(PyMongoError),
        MongoClient[dict[str, Any]](host, directConnection=True, serverSelectionTimeoutMS=500) as client,
    ):
        return bool(client.admin.command("ping"))
    return False
