"""Status codes of GraphQL over HTTP: an executed operation has 200, also when its fields have errors."""

import asyncio
from typing import Any

import httpx
import pytest

from app.auth.development import USER_SCOPES
from app.services.metadata import Metadata
from tests.clients import GRAPHQL_RESPONSE, service_client
from tests.world import World, codes

PATCH = "updateUserMetadata(input: {patch: {%s: 1}}) { user { userMetadata } errors { code } }"
CHANGE_EMAIL = 'changeEmail(input: {email: "n@example.com"}) { user { id } errors { code } }'


async def post(
    client: httpx.AsyncClient, query: str, token: str | None, accept: str = GRAPHQL_RESPONSE
) -> httpx.Response:
    headers = {"accept": accept, **({"authorization": f"Bearer {token}"} if token else {})}
    return await client.post("/graphql", json={"query": query}, headers=headers)


async def test_committed_write_is_answered_with_a_refused_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.add_connection()
    john = await world.add_user("john")
    monkeypatch.setattr("app.services.writes.is_recent", lambda *_: False)
    query = f"mutation {{ a: {PATCH % 'x'} b: {CHANGE_EMAIL} }}"
    for accept in (GRAPHQL_RESPONSE, "application/json"):
        answer = await post(world.client, query, world.user_token(john), accept)
        assert answer.status_code == 200
        assert answer.json()["data"] == {"a": {"user": {"userMetadata": {"x": 1}}, "errors": []}, "b": None}
        assert codes(answer) == ["INSUFFICIENT_USER_AUTHENTICATION"]
        challenge = 'Bearer realm="profile-api", error="insufficient_user_authentication", max_age="300"'
        assert answer.headers["www-authenticate"] == challenge
    assert (await world.stored(john))["user_metadata"] == {"x": 1}


async def test_refused_mutation_is_200_with_its_code(world: World) -> None:
    john = await world.add_user("john")
    query = f"mutation {{ {PATCH % 'x'} }}"
    answer = await post(world.client, query, world.user_token(john, ["read:current_user"]))
    assert (answer.status_code, codes(answer)) == (200, ["FORBIDDEN"])
    assert answer.json()["data"] == {"updateUserMetadata": None}
    assert "www-authenticate" not in answer.headers


async def test_request_without_a_token_is_401_unless_a_field_is_public(world: World) -> None:
    for query in ("{ viewer { id } }", f"mutation {{ {PATCH % 'x'} }}", "{ caller { kind } viewer { id } }"):
        for accept in (GRAPHQL_RESPONSE, "application/json"):
            answer = await post(world.client, query, None, accept)
            assert (answer.status_code, codes(answer)) == (401, ["UNAUTHENTICATED"])
            assert "data" not in answer.json()
            assert answer.headers["www-authenticate"] == 'Bearer realm="profile-api"'
    redeem = 'redeemTicket(input: {ticket: "x"}) { errors { code } }'
    mixed = await post(world.client, f"mutation {{ {redeem} {PATCH % 'x'} }}", None)
    assert (mixed.status_code, codes(mixed)) == (200, ["UNAUTHENTICATED"])
    assert mixed.json()["data"]["redeemTicket"]["errors"]
    assert mixed.json()["data"]["updateUserMetadata"] is None


async def test_blocked_user_is_403_without_data(world: World) -> None:
    john = await world.add_user("john", blocked=True)
    answer = await post(world.client, "{ viewer { id } caller { kind } }", world.user_token(john))
    assert (answer.status_code, codes(answer)) == (403, ["USER_BLOCKED"])
    assert "data" not in answer.json()


async def test_timed_out_write_keeps_the_answers_before_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    john = await world.add_user("john")
    update, begun = Metadata._update, 0

    async def second_never_ends(self: Metadata, *given: Any, **named: Any) -> Any:
        nonlocal begun
        begun += 1
        if begun > 1:
            await asyncio.Event().wait()
        return await update(self, *given, **named)

    monkeypatch.setattr(Metadata, "_update", second_never_ends)
    async with service_client(world, time_limit_seconds=1) as client:
        query = f"mutation {{ a: {PATCH % 'x'} b: {PATCH % 'y'} c: {PATCH % 'z'} }}"
        answer = await post(client, query, world.user_token(john))
    assert answer.status_code == 200
    data = {"a": {"user": {"userMetadata": {"x": 1}}, "errors": []}, "b": None, "c": None}
    assert answer.json()["data"] == data
    assert [(each["path"], each["extensions"]["code"]) for each in answer.json()["errors"]] == [
        (["b"], "TIMEOUT"),
        (["c"], "TIMEOUT"),
    ]
    # The third mutation did not begin.
    assert begun == 2


async def test_request_whose_caller_is_not_found_in_time_is_503(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("app.services.callers.Callers.identify", never)
    async with service_client(world, time_limit_seconds=0.1) as client:
        answer = await post(client, "{ viewer { id } }", world.user_token("auth0|john", USER_SCOPES))
    assert (answer.status_code, codes(answer)) == (503, ["TIMEOUT"])
    assert "data" not in answer.json()


async def test_ambiguous_operation_is_200_for_clients_of_json(world: World) -> None:
    query = "query A { __typename } query B { __typename }"
    for accept, status in (("application/json", 200), (GRAPHQL_RESPONSE, 400)):
        answer = await post(world.client, query, None, accept)
        assert (answer.status_code, codes(answer)) == (status, ["BAD_REQUEST"])
