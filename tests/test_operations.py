"""Commands and configuration: what is refused, development mode, tokens, and a database that stops and returns."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey
from pymongo import MongoClient

from app.auth.development import APPLICATION_SCOPES, USER_SCOPES, mint
from app.domain.demo import JOHN_DOE
from app.jobs.demo.users import GENERATED
from app.launch import _print_urls
from app.settings import Settings
from app.store.embedded.mongod import Mongod
from tests.serving import Served, command, environment, eventually, serve

ISSUER = "https://id.example.com/"
KEY = OKPKey.generate_key("Ed25519", {"kid": "one"})
ISSUERS = json.dumps(
    [{"issuer": ISSUER, "audience": "profiles", "tenant": "dev", "jwks": {"keys": [KEY.as_dict(private=False)]}}]
)


def run(data_dir: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        env=environment(data_dir, **variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def ask(url: str, query: str, token: str) -> httpx.Response:
    return httpx.post(f"{url}/graphql", json={"query": query}, headers={"authorization": f"Bearer {token}"}, timeout=30)


@pytest.mark.parametrize(
    ("variables", "arguments", "told"),
    [
        ({"PROFILE_API_MONGODB_URL": "mongodb://127.0.0.1:1/"}, (), "PROFILE_API_ISSUERS is not set"),
        ({"PROFILE_API_ISSUERS": ""}, (), "PROFILE_API_ISSUERS"),
        ({"PROFILE_API_ISSUERS": "[]"}, ("--demo",), "PROFILE_API_ISSUERS"),
        ({"PROFILE_API_ISSUERS": '[{"issuer": "x"}]'}, ("--demo",), "PROFILE_API_ISSUERS"),
        ({}, ("--host", "0.0.0.0"), "loopback only"),
        ({}, ("--demo", "--host", "192.168.1.2"), "loopback only"),
        ({"PROFILE_API_MONGOD": "/nowhere/mongod"}, ("--demo",), "PROFILE_API_MONGOD"),
        ({"PROFILE_API_LOG_RETENTION_DAYS": "many"}, (), "PROFILE_API_LOG_RETENTION_DAYS"),
    ],
)
def test_serve_rejects_unsafe_configuration(
    tmp_path: Path, variables: dict[str, str], arguments: tuple[str, ...], told: str
) -> None:
    ran = run(tmp_path, "serve", "--port", "0", *arguments, **variables)
    assert ran.returncode == 1
    assert told in ran.stderr
    assert "Traceback" not in ran.stderr


def test_configured_issuer_ends_development_mode_for_good(tmp_path: Path) -> None:
    minted = mint(tmp_path, JOHN_DOE, "web", USER_SCOPES, 3600)
    with serve(tmp_path, PROFILE_API_ISSUERS=ISSUERS) as served:
        claims = {"iss": ISSUER, "aud": "profiles", "sub": "tool@clients", "azp": "tool", "exp": 4_000_000_000}
        claims["scope"] = "read:users"
        token = jwt.encode({"alg": "EdDSA", "kid": "one"}, claims, KEY, algorithms=["EdDSA"])
        assert ask(served.url, "{ caller { kind } users { nodes { id } } }", token).json() == {
            "data": {"caller": {"kind": "APPLICATION"}, "users": {"nodes": []}}
        }
        assert ask(served.url, "{ caller { kind } }", minted).status_code == 401
        # The limit to loopback applies to development mode only.
        assert httpx.get(f"{served.url}/healthz", headers={"host": "profiles.example.com"}).status_code == 200
    ran = run(tmp_path, "serve", "--port", "0", "--demo")
    assert ran.returncode == 1
    assert "configured issuer" in ran.stderr
    ran = run(tmp_path, "token", PROFILE_API_ISSUERS=ISSUERS)
    assert ran.returncode == 1
    assert "PROFILE_API_ISSUERS is set" in ran.stderr


def test_service_reports_database_outage_and_recovers(tmp_path: Path) -> None:
    mongod = Mongod(tmp_path / "elsewhere")
    # Operations stop after this time, so the test does not wait for the default limit.
    limit: dict[str, Any] = {"PROFILE_API_TIME_LIMIT_SECONDS": "3"}
    with mongod, serve(tmp_path / "data", "--demo", PROFILE_API_MONGODB_URL=mongod.url, **limit) as served:
        john = mint(tmp_path / "data", JOHN_DOE, "web", USER_SCOPES, 3600)
        tool = mint(tmp_path / "data", "t@clients", "t", APPLICATION_SCOPES, 3600)
        assert ask(served.url, "{ viewer { name } }", john).json() == {"data": {"viewer": {"name": "John Doe"}}}
        mongod.stop()
        ready = httpx.get(f"{served.url}/readyz", timeout=10)
        assert (ready.status_code, ready.json()) == (503, {"status": "the database does not answer"})
        assert httpx.get(f"{served.url}/healthz").status_code == 200
        refused = ask(served.url, "{ viewer { name } }", john)
        assert refused.status_code == 503
        assert [each["extensions"]["code"] for each in refused.json()["errors"]] == ["UNAVAILABLE"]
        partly = ask(served.url, "{ caller { kind } users { nodes { id } } }", tool)
        assert partly.json()["data"] == {"caller": {"kind": "APPLICATION"}, "users": None}
        assert [each["extensions"]["code"] for each in partly.json()["errors"]] == ["UNAVAILABLE"]
        mongod.start()
        eventually(served.is_ready, "the service to recover")
        assert ask(served.url, "{ viewer { name } }", john).json() == {"data": {"viewer": {"name": "John Doe"}}}


@contextmanager
def started(data_dir: Path, *arguments: str, **variables: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Yields the URL and the process of a service that listens, but need not be ready."""
    process = subprocess.Popen(
        command("serve", "--port", "0", *arguments),
        env=environment(data_dir, **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        address = next(line.split()[-1] for line in process.stdout if "Profile API on" in line)
        eventually(lambda: answers(f"{address}/healthz"), "the service to listen")
        yield address, process
    finally:
        process.terminate()
        process.communicate(timeout=15)


def test_service_started_before_its_database_becomes_ready(tmp_path: Path) -> None:
    mongod = Mongod(tmp_path / "elsewhere")
    url = mongod.start()
    mongod.stop()
    with started(tmp_path / "data", "--demo", PROFILE_API_MONGODB_URL=url) as (address, _):
        assert httpx.get(f"{address}/readyz", timeout=10).status_code == 503
        mongod.start()
        eventually(lambda: httpx.get(f"{address}/readyz", timeout=10).status_code == 200, "the service to be ready")
    mongod.stop()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_service_stops_when_late_database_must_not_be_served(tmp_path: Path, workers: str) -> None:
    mongod = Mongod(tmp_path / "elsewhere")
    url = mongod.start()
    with MongoClient[dict[str, Any]](url) as client:
        client["profiles"]["meta"].insert_one({"_id": "issuer", "configured": True})
    mongod.stop()
    token = mint(tmp_path / "data", JOHN_DOE, "web", USER_SCOPES, 3600)
    variables = {"PROFILE_API_MONGODB_URL": url}
    with started(tmp_path / "data", "--demo", "--workers", workers, **variables) as (address, process):
        refused = ask(address, "{ __typename }", token)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert [each["extensions"]["code"] for each in refused.json()["errors"]] == ["UNAVAILABLE"]
        mongod.start()
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 1
        assert [line for line in errors.splitlines() if "configured issuer" in line][1:] == []
        assert errors.splitlines()[-1].startswith("profile-api: This database was used with a configured issuer")
        assert "Traceback" not in errors
        assert not answers(f"{address}/healthz")
    mongod.stop()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=10).status_code == 200
    except httpx.HTTPError:
        return False


def test_demo_has_john_doe_and_users_of_each_connection(tmp_path: Path) -> None:
    with serve(tmp_path, "--demo") as served:
        tool = run(tmp_path, "token", "--client", "support").stdout.strip()
        query = """{ authConnections { name kind }
          users(first: 100) { nodes { name email identities { connection } logEvents { nodes { type } } }
            totalCount { value } pageInfo { hasNextPage } } roles { nodes { name users(first: 1) { nodes { name } } } } }"""
        data = ask(served.url, query, tool).json()["data"]
        assert data["users"]["totalCount"]["value"] == GENERATED + len(data["authConnections"])
        assert data["users"]["pageInfo"]["hasNextPage"]
        connections = {each["identities"][0]["connection"] for each in data["users"]["nodes"]}
        assert connections == {each["name"] for each in data["authConnections"]}
        kinds = {each["kind"] for each in data["authConnections"]}
        assert kinds == {"DATABASE", "CUSTOM_DATABASE", "PASSWORDLESS", "SOCIAL", "ENTERPRISE"}
        assert all(each["users"]["nodes"] for each in data["roles"]["nodes"])
        john = run(tmp_path, "token").stdout.strip()
        viewer = ask(
            served.url,
            "{ viewer { userId logEvents { nodes { type } } permissions { name } devices { nodes { name } } } }",
            john,
        )
        assert viewer.json()["data"]["viewer"]["userId"] == JOHN_DOE
        assert len(viewer.json()["data"]["viewer"]["logEvents"]["nodes"]) > 3
        devices = viewer.json()["data"]["viewer"]["devices"]["nodes"]
        assert [each["name"] for each in devices] == ["Firefox on Linux", "Mobile Safari on iOS"]
    with serve(tmp_path, "--demo") as served:
        again = ask(served.url, "{ users { totalCount { value } } }", tool).json()
        assert again["data"]["users"]["totalCount"] == {"value": data["users"]["totalCount"]["value"]}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with the demo data. Several tests share it, and none of them changes the data."""
    with serve(tmp_path_factory.mktemp("demo") / "data of mine", "--demo") as served:
        yield served


# All tests that share the service run in one process.
shares_demo = pytest.mark.xdist_group("demo")


@shares_demo
def test_token_command_uses_its_options(demo: Served) -> None:
    asked = ("--user", "auth0|x", "--scope", "read:current_user", "--tenant", "other")
    token = run(demo.data_dir, "token", *asked).stdout
    caller = ask(demo.url, "{ caller { kind subject tenant scopes } }", token.strip()).json()["data"]["caller"]
    assert caller == {"kind": "USER", "subject": "auth0|x", "tenant": "other", "scopes": ["read:current_user"]}
    assert run(demo.data_dir, "token", "--user", "a", "--client", "b").returncode == 1


def test_token_without_the_key_of_a_service_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        ran = run(folder, "token")
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr.startswith(f"profile-api: There is no development key in {folder}.")
        assert "PROFILE_API_DATA_DIR" in ran.stderr
    assert list(tmp_path.iterdir()) == []


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def answer_to_printed_command(served: Served, folder: Path) -> dict[str, Any]:
    """Runs the curl command that the service printed, in another folder, and returns the answer."""
    assert served.process.stdout
    lines = iter(served.process.stdout.readline, "")
    script = next(line for line in lines if line.startswith("curl ")) + next(lines) + next(lines)
    shell = {name: value for name, value in os.environ.items() if not name.startswith("PROFILE_API_")}
    ran = subprocess.run(["sh", "-c", script], cwd=folder, env=shell, capture_output=True, check=True)
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


@shares_demo
@needs_curl
def test_printed_command_works_in_any_folder(tmp_path: Path, demo: Served) -> None:
    folder = tmp_path / "the reader's"
    folder.mkdir()
    assert answer_to_printed_command(demo, folder)["data"]["viewer"]["name"] == "John Doe"


@needs_curl
def test_printed_command_works_without_john_doe(tmp_path: Path) -> None:
    with serve(tmp_path / "data") as served:
        assert answer_to_printed_command(served, tmp_path) == {"data": {"users": {"nodes": []}}}


def test_serve_prints_urls_of_api_and_manual(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _print_urls(Settings(data_dir=tmp_path), development=True, port=8123, has_john_doe=True)
    printed = capsys.readouterr().out
    assert "http://127.0.0.1:8123/graphql (GraphiQL in a browser)" in printed
    assert "http://127.0.0.1:8123/docs" in printed


@shares_demo
def test_migrate_creates_no_database_in_a_wrong_folder(tmp_path: Path) -> None:
    ran = run(tmp_path / "elsewhere", "migrate")
    assert ran.returncode == 1
    assert "PROFILE_API_DATA_DIR: there is no database in" in ran.stderr
    assert not (tmp_path / "elsewhere").exists()


def test_migrate_works_while_the_service_runs(demo: Served) -> None:
    ran = run(demo.data_dir, "migrate")
    assert (ran.returncode, ran.stdout.strip()) == (0, "Nothing to migrate.")


@shares_demo
def test_second_service_with_the_same_directory_is_refused(demo: Served) -> None:
    ran = run(demo.data_dir, "serve", "--port", "0", "--demo")
    assert ran.returncode == 1
    assert "Another service uses" in ran.stderr


def test_schema_is_printed_from_the_code() -> None:
    printed = run(Path("unused"), "schema").stdout
    assert printed == (Path(__file__).parent.parent / "schema.graphql").read_text()


def test_stopped_copy_of_the_data_directory_serves_again(tmp_path: Path) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    write = """mutation { updateUserMetadata(input: {patch: {kept: true}}) { user { version } errors { code } } }"""
    with serve(original, "--demo") as served:
        john = mint(original, JOHN_DOE, "web", USER_SCOPES, 3600)
        answer = ask(served.url, write, john).json()
        assert answer == {"data": {"updateUserMetadata": {"user": {"version": 2}, "errors": []}}}
    shutil.copytree(original, copy, symlinks=True)
    with serve(copy, "--demo") as restored:
        viewer = ask(restored.url, "{ viewer { version userMetadata } }", john).json()["data"]["viewer"]
        assert (viewer["version"], viewer["userMetadata"]["kept"]) == (2, True)
