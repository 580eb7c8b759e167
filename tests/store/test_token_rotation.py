"""The last step of a rotation of PROFILE_API_SECRET, on a real mongod."""

import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from app.domain.users import PROVIDER_TOKENS
from app.settings import ConfigurationError
from app.store.database import Database, new_id
from app.store.token_cipher import TokenCipher
from app.store.token_rotation import renew_tokens
from tests.serving import environment

NEW, OLD, LOST = "a new secret of 16", "an old secret of 16", "a lost secret of 16"
BOTH = TokenCipher(NEW, OLD)
# `profile-api migrate` without the pause.
MIGRATE = """
import asyncio, sys
from app.store import token_rotation
from app.cli import main
token_rotation.sleep = lambda _: asyncio.sleep(0)
sys.argv[1:] = ["migrate"]
main()
"""
PAUSE = "app.store.token_rotation.sleep"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleep(_: float) -> None: ...

    monkeypatch.setattr(PAUSE, sleep)


@pytest.fixture
async def database(mongod_url: str) -> AsyncIterator[Database]:
    database = Database.connect(mongod_url, f"rotation{uuid.uuid4().hex[:12]}")
    yield database
    await database.database.client.drop_database(database.database.name)
    database.close()


async def add_user(database: Database, *identities: dict[str, str], **fields: Any) -> Any:
    user = {
        "_id": new_id(),
        "tenant": "t",
        "version": 1,
        "identities": [{"provider": "p", **each} for each in identities],
    }
    await database["users"].insert_one(user | fields)
    return user["_id"]


async def tokens(database: Database, user: Any) -> list[str]:
    identities = (await database["users"].find_one({"_id": user}))["identities"]
    return [each[name] for each in identities for name in PROVIDER_TOKENS if name in each]


async def test_tokens_of_all_users_are_readable_with_the_new_secret(database: Database) -> None:
    old = TokenCipher(OLD)
    identity = {"access_token": old.encrypt("a"), "refresh_token": old.encrypt("r")}
    users = [
        await add_user(database, identity, identity),
        await add_user(database, identity, linked_to=new_id()),
        await add_user(database, identity, tenant="another"),
    ]
    without = await add_user(database, {})
    assert await renew_tokens(database, BOTH, 60) > 0
    for each in users:
        assert {TokenCipher(NEW).decrypt(token) for token in await tokens(database, each)} == {"a", "r"}
        # The version is unchanged, so no editor gets a conflict.
        assert (await database["users"].find_one({"_id": each}))["version"] == 1
    assert await tokens(database, without) == []
    assert await renew_tokens(database, BOTH, 60) == 0


async def test_tokens_of_the_new_secret_are_not_changed(database: Database) -> None:
    token = TokenCipher(NEW).encrypt("a")
    user = await add_user(database, {"access_token": token})
    assert await renew_tokens(database, BOTH, 60) == 0
    assert await tokens(database, user) == [token]


async def test_token_of_a_concurrent_login_is_kept(database: Database, mongod_url: str) -> None:
    user = await add_user(database, {"access_token": TokenCipher(OLD).encrypt("a")})
    newer = TokenCipher(NEW).encrypt("newer")

    class LoginMeanwhile(TokenCipher):
        def renew(self, encrypted: str) -> str | None:
            with MongoClient[dict[str, Any]](mongod_url) as client:
                users = client[database.database.name]["users"]
                users.update_one({"_id": user}, {"$set": {"identities.0.access_token": newer}})
            return super().renew(encrypted)

    await renew_tokens(database, LoginMeanwhile(NEW, OLD), 60)
    assert await tokens(database, user) == [newer]


async def test_token_that_a_slow_request_writes_back_is_renewed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = {"access_token": TokenCipher(OLD).encrypt("a")}
    user, pauses = await add_user(database, stale), 0

    async def write_back(_: float) -> None:
        nonlocal pauses
        pauses += 1
        if pauses == 1:
            await database["users"].update_one({"_id": user}, {"$set": {"identities": [stale]}})

    monkeypatch.setattr(PAUSE, write_back)
    assert await renew_tokens(database, BOTH, 60) == 2
    assert [TokenCipher(NEW).decrypt(each) for each in await tokens(database, user)] == ["a"]


async def test_process_that_uses_the_previous_secret_fails_rotation(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = {"access_token": TokenCipher(OLD).encrypt("a")}
    user = await add_user(database, stale)

    async def write_back(_: float) -> None:
        await database["users"].update_one({"_id": user}, {"$set": {"identities": [stale]}})

    monkeypatch.setattr(PAUSE, write_back)
    with pytest.raises(ConfigurationError, match="Restart every process"):
        await renew_tokens(database, BOTH, 60)


async def test_token_of_a_lost_secret_fails_rotation_and_is_kept(database: Database) -> None:
    lost = TokenCipher(LOST).encrypt("a")
    user = await add_user(database, {"access_token": lost}, {"access_token": TokenCipher(OLD).encrypt("b")})
    with pytest.raises(ConfigurationError, match="nor PROFILE_API_SECRET_PREVIOUS decrypts 1 of") as refused:
        await renew_tokens(database, BOTH, 60)
    assert not any(each in str(refused.value) for each in (NEW, OLD, LOST))
    # The other tokens are encrypted with the new secret.
    assert [TokenCipher(NEW).decrypt(each) for each in await tokens(database, user)] == [None, "b"]
    assert lost in await tokens(database, user)


async def test_migrate_says_that_the_previous_secret_is_not_needed(
    database: Database, mongod_url: str, tmp_path: Path
) -> None:
    user = await add_user(database, {"access_token": TokenCipher(OLD).encrypt("a")})
    variables = {"MONGODB_URL": mongod_url, "DATABASE": database.database.name, "SECRET": NEW, "SECRET_PREVIOUS": OLD}
    ran = subprocess.run(
        [sys.executable, "-c", MIGRATE],
        env=environment(tmp_path, **{f"PROFILE_API_{name}": value for name, value in variables.items()}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Provider tokens encrypted with PROFILE_API_SECRET: 1." in ran.stdout
    assert "No token needs PROFILE_API_SECRET_PREVIOUS any more" in ran.stdout
    assert not any(each in ran.stdout + ran.stderr for each in (NEW, OLD))
    assert [TokenCipher(NEW).decrypt(each) for each in await tokens(database, user)] == ["a"]
