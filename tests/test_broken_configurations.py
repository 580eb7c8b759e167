"""Invalid configurations: one line on standard error says what to change, and the exit status is 1."""

import ctypes
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest

from tests.provider import free_port
from tests.replica import answers, member
from tests.serving import command, environment, eventually

NOBODY = 65534
_LIBC = ctypes.CDLL(None)
_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
ISSUER = {"issuer": "https://id.example.com/", "audience": "profiles", "tenant": "t"}
KEYLESS = json.dumps([{**ISSUER, "jwks": {"keys": []}}])
OPEN = json.dumps([{**ISSUER, "jwks_uri": "http://id.example.com/keys"}])


# Runs the command, and writes the names of the imported modules to a file.
NAMING_MODULES = """
import atexit, pathlib, sys
file = pathlib.Path(sys.argv.pop(1))
atexit.register(lambda: file.write_text("\\n".join(sys.modules)))
from app.cli import main
main()
"""


@dataclass
class Place:
    """A folder for files, and servers as `host:port`. The service can use none of these servers."""

    folder: Path
    locked: str
    standalone: str
    stranger: str

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    def file(self, name: str, content: str = "", mode: int = 0o644) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, errors="surrogateescape")
        path.chmod(mode)
        return str(path)

    def directory(self, name: str, mode: int = 0o755, owner: int = -1) -> str:
        path = self.folder / name
        path.mkdir()
        path.chmod(mode)
        if os.geteuid() == 0:
            os.chown(path, owner, owner)
        return str(path)


@dataclass(frozen=True)
class Broken:
    """An invalid configuration. `variables` makes its variables, and the message contains each text of `told`."""

    name: str
    variables: Callable[[Place], dict[str, str]]
    told: tuple[str, ...]
    arguments: tuple[str, ...] = ("--demo",)


def broken(name: str, variable: str, value: str | Callable[[Place], str], *told: str) -> Broken:
    """Returns a case with one variable, whose name is in the message."""
    make = value if callable(value) else lambda _: value
    return Broken(name, lambda place: {f"PROFILE_API_{variable}": make(place)}, (f"PROFILE_API_{variable}", *told))


def trusted(name: str, folder: Callable[[Place], str], *told: str) -> Broken:
    """Returns the variables for a folder of trusted documents and two workers."""

    def make(place: Place) -> dict[str, str]:
        name = "PROFILE_API_TRUSTED_DOCUMENTS"
        return {name: "require", f"{name}_DIR": folder(place)}

    return Broken(name, make, ("PROFILE_API_TRUSTED_DOCUMENTS_DIR", *told), ("--demo", "--workers", "2"))


def file_in_data_dir(name: str) -> Callable[[Place], dict[str, str]]:
    def make(place: Place) -> dict[str, str]:
        place.file(f"data/{name}")
        return {}

    return make


def port_in_use(place: Place) -> dict[str, str]:
    return {"PROFILE_API_PORT": place.stranger.partition(":")[2]}


TABLE = [
    # Values
    broken("port is no number", "PORT", "http", "whole number"),
    broken("port is out of range", "PORT", "70000", "at most 65535"),
    broken("port is set by Kubernetes", "PORT", "tcp://10.0.0.1:8000", "Kubernetes", "enableServiceLinks"),
    broken("flag is no flag", "GRAPHIQL", "maybe", "true or false"),
    broken("choice is none", "LOG_FORMAT", "xml", "'json'"),
    broken("number is no number", "TIME_LIMIT_SECONDS", "nan", "finite number"),
    broken("database name", "DATABASE", "a b/c", "database name"),
    broken("rate", "RATE_LIMIT", "fast", "100/second"),
    broken("network", "TRUSTED_PROXIES", "10.0.0.1/8", "[0]", "first IP address"),
    broken("network of 33 bits", "TRUSTED_PROXIES", "10.0.0.0/8,10.0.0.0/33", "[1]", "0 to 32"),
    broken("network is none", "TRUSTED_PROXIES", "localhost", "[0]", "such as 10.0.0.0/8"),
    Broken(
        "port is empty beside an option",
        lambda _: {"PROFILE_API_PORT": ""},
        ("PROFILE_API_PORT is empty",),
        ("--demo", "--port", "0"),
    ),
    Broken(
        "host is empty beside an option",
        lambda _: {"PROFILE_API_HOST": ""},
        ("PROFILE_API_HOST is empty",),
        ("--demo", "--host", "127.0.0.1"),
    ),
    broken("origin", "CORS_ORIGINS", "https://a.example.com/path", "origin"),
    broken("public URL", "PUBLIC_URL", "profiles.example.com", "https://profiles.example.com"),
    broken("secret is short", "SECRET", "abc", "16 characters"),
    broken("previous secret is short", "SECRET_PREVIOUS", "hush", "16 characters"),
    broken("previous secret is alone", "SECRET_PREVIOUS", "hush-hush-hush-hush", "needs PROFILE_API_SECRET"),
    Broken(
        "previous secret is the secret",
        lambda _: dict.fromkeys(("PROFILE_API_SECRET", "PROFILE_API_SECRET_PREVIOUS"), "hush-hush-hush-hush"),
        ("PROFILE_API_SECRET_PREVIOUS must not be equal to PROFILE_API_SECRET",),
    ),
    broken("misspelt name", "ISUERS", "[]", "Did you mean PROFILE_API_ISSUERS?"),
    # Issuers
    broken("issuers are empty", "ISSUERS", "", "unset"),
    broken("issuers are not JSON", "ISSUERS", '[\n{"issuer": }]', "line 2, column 12"),
    broken("issuers are no list", "ISSUERS", json.dumps(ISSUER), "must be a list"),
    broken(
        "issuers lack an audience", "ISSUERS", '[{"issuer": "https://i/", "tenant": "t"}]', "[0].audience is missing"
    ),
    broken(
        "issuers have an unknown key", "ISSUERS", json.dumps([{**ISSUER, "aud": "x"}]), "[0].aud is not a known key"
    ),
    broken("issuer without keys", "ISSUERS", KEYLESS, "jwks"),
    broken("issuer with open address", "ISSUERS", OPEN, "https"),
    # Files
    broken("SMTP URL", "SMTP_URL", "http://mail.example.com", "smtp://"),
    broken(
        "GeoIP file is missing",
        "GEOIP_DATABASE",
        lambda place: str(place.folder / "none.mmdb"),
        "none.mmdb, which does not exist",
    ),
    broken(
        "GeoIP file is none",
        "GEOIP_DATABASE",
        lambda place: place.file("places.mmdb", "text"),
        "places.mmdb, which is not a database",
    ),
    broken("GeoIP file is a folder", "GEOIP_DATABASE", lambda place: place.directory("geo"), "which is a directory"),
    broken(
        "GeoIP file is secret",
        "GEOIP_DATABASE",
        lambda place: place.file("g.mmdb", "", 0),
        "cannot be read by this user",
    ),
    trusted("trusted documents are missing", lambda place: str(place.folder / "none"), "none does not exist"),
    trusted("trusted documents are a file", lambda place: place.file("operations"), "operations is not a directory"),
    trusted("trusted documents are none", lambda place: place.directory("operations"), "contains no .graphql file"),
    trusted(
        "trusted document is not UTF-8",
        lambda place: str(Path(place.file("operations/a.graphql", "\udcff")).parent),
        "a.graphql, which is not UTF-8",
    ),
    trusted(
        "trusted document is secret",
        lambda place: str(Path(place.file("operations/a.graphql", "", 0)).parent),
        "a.graphql cannot be read by this user",
    ),
    # Data directory
    broken("data directory is a file", "DATA_DIR", lambda place: place.file("data"), "not a directory"),
    broken("data directory is under /proc", "DATA_DIR", "/proc/profile-api", "cannot be written"),
    broken(
        "data directory is read-only", "DATA_DIR", lambda place: place.directory("data", mode=0o555), "not writable"
    ),
    broken(
        "data directory is another user's",
        "DATA_DIR",
        lambda place: place.directory("data", owner=NOBODY) if os.geteuid() == 0 else "/usr/lib",
        "belongs to",
    ),
    Broken("development key is empty", file_in_data_dir("development-key.pem"), ("DATA_DIR", "development-key.pem")),
    Broken("development secret is empty", file_in_data_dir("development-secret"), ("DATA_DIR", "development-secret")),
    Broken("key file of mongod is empty", file_in_data_dir("mongod.key"), ("DATA_DIR", "mongod.key")),
    # mongod
    broken("mongod is missing", "MONGOD", lambda place: str(place.folder / "mongod"), "does not exist"),
    broken("mongod is a directory", "MONGOD", lambda place: place.directory("mongod"), "is a directory"),
    broken("mongod is not executable", "MONGOD", lambda place: place.file("mongod"), "not executable"),
    broken("mongod is another program", "MONGOD", "/bin/true", "not a mongod"),
    broken("mongod is text", "MONGOD", lambda place: place.file("mongod", "text", 0o755), "not a mongod"),
    # Database
    broken("URL is empty", "MONGODB_URL", "", "unset"),
    broken("URL of another database", "MONGODB_URL", "postgres://x", "mongodb://"),
    broken("URL without host", "MONGODB_URL", "mongodb://", "no host"),
    broken("URL with reserved characters", "MONGODB_URL", "mongodb://u:hush/hush@h/", "percent-encoded"),
    broken("URL with an unknown option", "MONGODB_URL", "mongodb://127.0.0.1/?replicaSte=rs0", "replicaSte"),
    broken(
        "URL with no password", "MONGODB_URL", lambda place: f"mongodb://john@{place.locked}/", "without a password"
    ),
    broken("SRV name is unknown", "MONGODB_URL", "mongodb+srv://none.invalid/", "SRV"),
    broken("host is unknown", "MONGODB_URL", "mongodb://none.invalid/", "none.invalid", "cannot be resolved"),
    broken("password is wrong", "MONGODB_URL", lambda place: f"mongodb://john:hush@{place.locked}/", "refuses"),
    broken("credentials are missing", "MONGODB_URL", lambda place: f"mongodb://{place.locked}/", "readWrite"),
    broken("TLS is not spoken", "MONGODB_URL", lambda place: f"mongodb://{place.locked}/?tls=true", "TLS"),
    broken("server is another program", "MONGODB_URL", lambda place: f"mongodb://{place.stranger}/", "not a MongoDB"),
    broken(
        "server is no replica set",
        "MONGODB_URL",
        lambda place: f"mongodb://{place.standalone}/",
        "--replSet rs0",
        "rs.initiate()",
    ),
    broken(
        "replica set is another", "MONGODB_URL", lambda place: f"mongodb://{place.locked}/?replicaSet=x", "is in rs0"
    ),
    # Listening
    Broken("port is in use", port_in_use, ("PROFILE_API_PORT", "in use")),
    Broken(
        "host is not of this machine",
        lambda _: {"PROFILE_API_HOST": "192.0.2.1", "PROFILE_API_ISSUERS": json.dumps([ISSUER])},
        ("PROFILE_API_HOST", "192.0.2.1"),
        (),
    ),
    Broken("development beyond loopback", lambda _: {}, ("PROFILE_API_ISSUERS", "0.0.0.0"), ("--host", "0.0.0.0")),
    Broken(
        "issuers are unset beside a URL",
        lambda _: {"PROFILE_API_MONGODB_URL": "mongodb://127.0.0.1:1/"},
        ("PROFILE_API_ISSUERS is not set",),
        (),
    ),
]


@contextmanager
def stranger() -> Iterator[str]:
    """A server that answers with HTTP."""

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.recv(1024)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


@contextmanager
def standalone(folder: Path) -> Iterator[str]:
    """A mongod without a replica set."""
    port = free_port()
    process = member(folder, port)
    try:
        eventually(lambda: answers(f"127.0.0.1:{port}"), "mongod to answer")
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def servers(mongod_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, str]]:
    """Runs the servers `locked`, `standalone` and `stranger` of Place."""
    with ExitStack() as stack:
        locked = mongod_url.rpartition("@")[2].partition("/")[0]
        yield (
            locked,
            stack.enter_context(standalone(tmp_path_factory.mktemp("standalone"))),
            stack.enter_context(stranger()),
        )


def without_override() -> None:
    """Runs in the child process: gives up the rights of root, for whom the modes of files do not count."""
    for each in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
        _LIBC.prctl(_PR_CAPBSET_DROP, each)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_broken_configuration_is_one_line_and_status_1(
    case: Broken, servers: tuple[str, str, str], tmp_path: Path
) -> None:
    place, modules = Place(tmp_path, *servers), tmp_path / "modules"
    variables = {"PROFILE_API_PORT": "0", **case.variables(place)}
    ran = subprocess.run(
        [sys.executable, "-c", NAMING_MODULES, str(modules), "serve", *case.arguments],
        env=environment(place.data_dir, **variables),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        preexec_fn=without_override,
    )
    assert ran.returncode == 1, ran.stderr
    assert len(ran.stderr.splitlines()) == 1, ran.stderr
    assert ran.stderr.startswith("profile-api: ")
    # The service prints no URL when it does not start.
    assert ran.stdout == ""
    for each in case.told:
        assert each in ran.stderr
    for each in ("hush", "pydantic", "pymongo", "Errno", "codec"):
        assert each not in ran.stderr
    # Importing these modules takes longer than all checks, so the checks come first.
    assert not {"app.main", "app.engine.execution", "strawberry"} & set(modules.read_text().split())


@pytest.mark.parametrize(
    ("option", "value", "told"), [("--port", "99999", "65535"), ("--port", "-1", "--port"), ("--host", "", "empty")]
)
def test_wrong_option_is_named_with_status_2(option: str, value: str, told: str, tmp_path: Path) -> None:
    ran = subprocess.run(
        command("serve", "--demo", option, value),
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 2
    assert option in ran.stderr
    assert told in ran.stderr
    assert "PROFILE_API" not in ran.stderr


def test_table_has_forty_configurations() -> None:
    assert len({each.name for each in TABLE}) == len(TABLE) >= 40
