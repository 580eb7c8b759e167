"""PROFILE_API_SECRET is changed while the tokens of identity providers stay readable."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.clients import service_client
from tests.schema.operations.logins import record_login
from tests.world import World

OLD, NEW = "an old secret of 16", "a new secret of 16"
TOKENS = ("at-s3cret", "rt-s3cret")


@asynccontextmanager
async def service(world: World, monkeypatch: pytest.MonkeyPatch, **secrets: Any) -> AsyncIterator[None]:
    """Until the end of the block, `world` sends its requests to a service with these secrets."""
    async with service_client(world, **secrets) as client:
        with monkeypatch.context() as patch:
            patch.setattr(world, "client", client)
            yield


async def tokens(world: World) -> tuple[str | None, str | None]:
    query = "{ users(first: 1) { nodes { identities { accessToken refreshToken } } } }"
    [user] = (await world.ask(query, world.application_token()))["users"]["nodes"]
    [identity] = user["identities"]
    return identity["accessToken"], identity["refreshToken"]


async def test_tokens_of_the_previous_secret_are_readable(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.add_connection("g", "google-oauth2")
    async with service(world, monkeypatch, secret=OLD):
        await record_login(world, "g", {"sub": "1"}, accessToken=TOKENS[0], refreshToken=TOKENS[1])
    async with service(world, monkeypatch, secret=NEW, secret_previous=OLD):
        assert await tokens(world) == TOKENS
    async with service(world, monkeypatch, secret=NEW):
        assert await tokens(world) == (None, None)


@pytest.mark.parametrize("brought", [{}, {"accessToken": "at-new"}], ids=["no token", "one token"])
async def test_login_encrypts_all_tokens_with_the_new_secret(
    world: World, monkeypatch: pytest.MonkeyPatch, brought: dict[str, str]
) -> None:
    await world.add_connection("g", "google-oauth2")
    async with service(world, monkeypatch, secret=OLD):
        await record_login(world, "g", {"sub": "1"}, accessToken=TOKENS[0], refreshToken=TOKENS[1])
    async with service(world, monkeypatch, secret=NEW, secret_previous=OLD):
        await record_login(world, "g", {"sub": "1"}, **brought)
    async with service(world, monkeypatch, secret=NEW):
        assert await tokens(world) == (brought.get("accessToken", TOKENS[0]), TOKENS[1])
