"""GraphQL over HTTP: invalid requests, tokens, status codes and headers."""

import json
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query

from tests.world import World, codes

RESPONSE = "application/graphql-response+json"


async def post(world: World, content: bytes | str, **headers: str) -> httpx.Response:
    named = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await world.client.post("/graphql", content=content, headers=named)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"1",
        b"null",
        b'"text"',
        b"[]",
        b"{}",
        b'{"query": 1}',
        b'{"query": null}',
        b'{"query": "{caller{kind}}", "variables": []}',
        b'{"query": "{caller{kind}}", "operationName": 1}',
        b'{"query": "{caller{kind}}", "extensions": "x"}',
        b'{"query": "\\ud800"}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"query": "{caller{kind}}", "variables": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    ],
)
@pytest.mark.parametrize("accept", ["application/json", RESPONSE])
async def test_body_that_is_no_graphql_request_is_refused(world: World, body: bytes, accept: str) -> None:
    answer = await post(world, body, accept=accept)
    assert answer.status_code == 400
    assert codes(answer) == ["BAD_REQUEST"]
    assert "data" not in answer.json()


@pytest.mark.parametrize("name", ["variables", "extensions"])
@pytest.mark.parametrize("value", ["{", "x", "[]", "1", "[" * 3_000, "\0"])
async def test_get_error_names_the_parameter_that_is_wrong(world: World, name: str, value: str) -> None:
    answer = await world.client.get("/graphql", params={"query": "{__typename}", name: value})
    assert (answer.status_code, codes(answer)) == (400, ["BAD_REQUEST"])
    message = answer.json()["errors"][0]["message"]
    assert name in message
    assert "body" not in message


@pytest.mark.parametrize("text", ["\\ud800", "\\u0000", "x" * 200_000, ""], ids=["surrogate", "NUL", "long", "empty"])
@pytest.mark.parametrize("name", ["operationName", "documentId", "query", "extensions"])
async def test_hostile_text_outside_variables_is_no_internal_error(world: World, name: str, text: str) -> None:
    value = f'{{"{text}": "{text}"}}' if name == "extensions" else f'"{text}"'
    query = "" if name in ("query", "documentId") else '"query": "query A {__typename}", '
    answer = await post(world, f'{{{query}"{name}": {value}}}')
    assert answer.status_code in (200, 400)
    assert not {"INTERNAL", "UNAVAILABLE"} & set(codes(answer))


@pytest.mark.parametrize(
    ("query", "value", "path"),
    [
        ("query($a: String) { roles(nameContains: $a) { __typename } }", "\ud800", "$a"),
        ("query($a: ID!) { node(id: $a) { __typename } }", "x\udfff", "$a"),
        ("query($a: [String!]) { viewer { userMetadata(paths: $a) } }", ["x", "\ud800"], "$a.1"),
        ("query($a: [String!]) { viewer { userMetadata(paths: $a) } }", "\ud800", "$a"),
        (
            "query($a: UserBy!) { user(by: $a) { __typename } }",
            {"identity": {"provider": "a", "userId": "\ud800"}},
            "$a.identity.userId",
        ),
    ],
)
async def test_lone_surrogate_is_refused_with_its_position(world: World, query: str, value: Any, path: str) -> None:
    body = json.dumps({"query": query, "variables": {"a": value}})
    answer = await post(world, body, authorization=f"Bearer {world.application_token()}")
    assert codes(answer) == ["BAD_USER_INPUT"]
    assert f"{path} " in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("query", ["{", "{ nothing }", "{ viewer }", "query($a: Nope) { viewer { name } }", "{" * 3000])
async def test_invalid_document_has_an_error_code(world: World, query: str) -> None:
    legacy = await world.post(query)
    assert legacy.status_code == 200
    assert set(codes(legacy)) <= {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"}
    strict = await world.client.post("/graphql", json={"query": query}, headers={"accept": RESPONSE})
    assert strict.status_code == 400
    assert strict.headers["content-type"] == f"{RESPONSE}; charset=utf-8"
    assert "data" not in strict.json()


def doubling(inside: str) -> str:
    """Returns a document of about 1 KB whose fragments multiply to 2^30 fields."""
    fragments = [f"fragment F{number} on User {{ {inside % ((number + 1,) * 2)} }}" for number in range(30)]
    return "query { viewer { ...F0 } } " + " ".join(fragments) + " fragment F30 on User { id }"


async def test_fragments_that_multiply_take_linear_time(world: World) -> None:
    john = await world.add_user("john")
    flat = await world.post(doubling("...F%s ...F%s"), world.user_token(john))
    assert codes(flat) == ["COST_EXCEEDED"]
    nested = "roles { users { nodes { ...F%s } edges { node { ...F%s } } } }"
    assert codes(await world.post(doubling(nested), world.user_token(john))) == ["COST_EXCEEDED"]


async def test_depth_is_limited_and_introspection_is_allowed(world: World) -> None:
    assert codes(await world.post(get_introspection_query())) == []
    deep = "{ __schema { types { " + "ofType { " * 14 + "name" + " }" * 14 + " } } }"
    answer = await world.post(deep.replace("types {", "types { fields { type {").replace("} } }", "} } } } }", 1))
    assert codes(answer) == ["COST_EXCEEDED"]
    loop = "{ viewer { ...A } } fragment A on User { ...B } fragment B on User { ...A }"
    assert set(codes(await world.post(loop))) == {"GRAPHQL_VALIDATION_FAILED"}


async def test_invalid_variables_are_an_error_of_the_client(world: World) -> None:
    query = "query($id: ID!) { node(id: $id) { id } }"
    for variables in ({}, {"id": None}, {"id": [1]}, {"id": {"a": "\U0001f600"}}):
        headers = {"accept": RESPONSE, "authorization": f"Bearer {world.application_token()}"}
        answer = await world.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        assert answer.status_code == 400
        assert codes(answer) == ["BAD_USER_INPUT"]
        assert "data" not in answer.json()


async def test_operation_name_must_select_one_operation(world: World) -> None:
    query = "query A { caller { kind } } query B { caller { subject } }"
    john = await world.add_user("john")
    headers = {"authorization": f"Bearer {world.user_token(john)}"}
    for name, expected in ((None, ["BAD_REQUEST"]), ("C", ["BAD_REQUEST"]), ("B", [])):
        body = {"query": query, "operationName": name}
        answer = await world.client.post("/graphql", json=body, headers=headers)
        assert codes(answer) == expected
    assert answer.json() == {"data": {"caller": {"subject": "auth0|john"}}}


async def test_other_methods_types_and_sizes_are_refused(world: World) -> None:
    put = await world.client.put("/graphql", json={"query": "{caller{kind}}"})
    assert (put.status_code, put.headers["allow"]) == (405, "GET, POST")
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        answer = await post(world, b'{"query":"{caller{kind}}"}', content_type=media_type)
        assert answer.status_code == 415, media_type
        assert codes(answer) == ["BAD_REQUEST"]
    assert (
        await post(world, b'{"query":"{__typename}"}', content_type="application/json; charset=utf-8")
    ).status_code == 200
    assert (await post(world, b" " * 1_000_001)).status_code == 413
    assert (
        await world.client.get("/graphql", params={"query": "{__typename}"}, headers={"accept": "image/png"})
    ).status_code == 406


async def test_subscription_is_refused_over_post_and_get(world: World) -> None:
    query = "subscription { viewer { name } }"
    headers = {"authorization": f"Bearer {world.application_token()}"}
    for answer in (
        await world.client.post("/graphql", json={"query": query}, headers=headers),
        await world.client.get("/graphql", params={"query": query}, headers=headers),
    ):
        assert codes(answer) == ["GRAPHQL_VALIDATION_FAILED"]
        assert "data" not in answer.json()


async def test_client_that_also_accepts_event_streams_gets_json(world: World) -> None:
    """urql sends this header with every request."""
    accept = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
    answer = await world.client.post("/graphql", json={"query": "{ __typename }"}, headers={"accept": accept})
    assert answer.headers["content-type"] == f"{RESPONSE}; charset=utf-8"
    assert answer.json() == {"data": {"__typename": "Query"}}


async def test_refusal_is_not_logged_as_an_error(world: World, caplog: pytest.LogCaptureFixture) -> None:
    john = await world.add_user("john")
    assert codes(await world.post("{ users { nodes { id } } }", world.user_token(john))) == ["FORBIDDEN"]
    assert codes(await world.post("{ nope }")) == ["GRAPHQL_VALIDATION_FAILED"]
    assert [each for each in caplog.records if each.levelname in ("WARNING", "ERROR")] == []


async def test_get_reads_and_never_writes(world: World) -> None:
    john = await world.add_user("john")
    headers = {"authorization": f"Bearer {world.user_token(john)}"}
    params = {"query": "query($p: [String!]) { viewer { userMetadata(paths: $p) } }", "variables": '{"p": ["a"]}'}
    answer = await world.client.get("/graphql", params=params, headers=headers)
    assert answer.json() == {"data": {"viewer": {"userMetadata": {}}}}
    write = {"query": "mutation { updateUserMetadata(input: {patch: {a: 1}}) { errors { code } } }"}
    answer = await world.client.get("/graphql", params=write, headers=headers)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert (await world.stored(john))["version"] == 1
    assert (await world.client.get("/graphql", headers=headers)).status_code == 400
    assert (await world.client.get("/graphql", params={"query": "{__typename}", "variables": "{"})).status_code == 400


async def test_invalid_token_is_answered_as_in_rfc_6750(world: World) -> None:
    body = b'{"query":"{caller{kind}}"}'
    for value in ("Bearer x.y.z", "Bearer " + "a" * 20_000, "Bearer é"):
        answer = await world.client.post(
            "/graphql",
            content=body,
            headers={b"content-type": b"application/json", b"authorization": value.encode("latin-1")},
        )
        assert answer.status_code == 401
        assert codes(answer) == ["UNAUTHENTICATED"]
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    for value in ("Bearer", "Bearer ", "Basic YTpi"):
        answer = await post(world, body, authorization=value)
        assert answer.status_code == 400
        assert 'error="invalid_request"' in answer.headers["www-authenticate"]
    anonymous = await post(world, body)
    assert anonymous.status_code == 401
    assert anonymous.headers["www-authenticate"] == 'Bearer realm="profile-api"'
    assert "data" not in anonymous.json()
    query = await world.client.get(
        "/graphql", params={"query": "{caller{kind}}", "access_token": world.application_token()}
    )
    assert query.status_code == 401


async def test_response_with_committed_data_is_not_401(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    john = await world.add_user("john")
    await world.add_connection()
    token = world.user_token(john)
    # The token stays valid, but its sign-in is no longer recent.
    monkeypatch.setattr("app.services.writes.time.time", lambda: 4e9)
    query = """mutation {
      a: updateUserMetadata(input: {patch: {kept: true}}) { user { version } errors { code } }
      b: changeEmail(input: {email: "new@example.com"}) { errors { code } }
    }"""
    answer = await world.post(query, token)
    assert (answer.status_code, codes(answer)) == (200, ["INSUFFICIENT_USER_AUTHENTICATION"])
    assert answer.json()["data"] == {"a": {"user": {"version": 2}, "errors": []}, "b": None}
    challenge = 'Bearer realm="profile-api", error="insufficient_user_authentication", max_age="300"'
    assert answer.headers["www-authenticate"] == challenge


@pytest.mark.parametrize(
    ("query", "status", "data"),
    [
        ("{ caller { kind } viewer { name } }", 401, None),
        ("{ caller { kind } __typename }", 200, {"caller": None, "__typename": "Query"}),
        ("mutation { updateUserMetadata(input: {patch: {}}) { errors { code } } }", 401, None),
        (
            """mutation {
              redeemTicket(input: {ticket: "none"}) { errors { code } }
              updateUserMetadata(input: {patch: {}}) { errors { code } }
            }""",
            200,
            {"redeemTicket": {"errors": [{"code": "NOT_FOUND"}]}, "updateUserMetadata": None},
        ),
    ],
)
async def test_request_without_token_is_401_or_has_data(world: World, query: str, status: int, data: object) -> None:
    answer = await world.post(query)
    assert (answer.status_code, answer.json().get("data")) == (status, data)
    assert ("data" in answer.json()) == (status == 200)
    assert set(codes(answer)) == {"UNAUTHENTICATED"}


async def test_forbidden_mutation_is_200_with_its_code(world: World) -> None:
    john = await world.add_user("john")
    query = 'mutation { blockUser(input: {userId: "auth0|john"}) { errors { code } } }'
    answer = await world.post(query, world.user_token(john))
    assert (answer.status_code, codes(answer)) == (200, ["FORBIDDEN"])
    assert answer.json()["data"] == {"blockUser": None}


async def test_answers_must_not_be_cached(world: World) -> None:
    for answer in (await world.post("{ __typename }"), await world.post("{"), await world.client.get("/healthz")):
        assert answer.headers["cache-control"] == "no-store"


async def test_development_serves_loopback_hosts_only(world: World) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "", "[::2]"):
        answer = await world.client.post("/graphql", json={"query": "{__typename}"}, headers={"host": host})
        assert answer.status_code == 421, host
    for host in ("localhost:8000", "127.0.0.1:1", "[::1]:8000", "LOCALHOST"):
        answer = await world.client.post("/graphql", json={"query": "{__typename}"}, headers={"host": host})
        assert answer.status_code == 200, host


async def test_internal_error_shows_only_a_trace_id(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        message = "the inside of things"
        raise RuntimeError(message)

    john = await world.add_user("john")
    token = world.user_token(john)
    monkeypatch.setattr("app.services.reads.Reads.find", fail)
    answer = await world.post("{ authConnections { name } viewer { name } }", world.application_token())
    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert "inside" not in answer.text
    assert error["extensions"]["traceId"] in caplog.text
    assert "RuntimeError" in caplog.text
    assert "inside" not in caplog.text
    monkeypatch.setattr("app.services.reads.Reads.viewer", fail)
    answer = await world.post("{ viewer { name } }", token)
    assert answer.status_code == 500
    assert codes(answer) == ["INTERNAL"]
    assert "inside" not in answer.text
    assert token not in caplog.text


async def test_health_and_readiness(world: World) -> None:
    assert (await world.client.get("/healthz")).json() == {"status": "ok"}
    assert (await world.client.get("/nothing")).status_code == 404


async def test_arguments_of_unauthenticated_fields_are_not_converted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted: list[Any] = []

    def convert(*arguments: Any) -> dict[str, Any]:
        converted.append(arguments)
        return {}

    monkeypatch.setattr("graphql.execution.executor.get_argument_values", convert)
    answer = await world.post('{ __typename nodes(ids: ["a"]) { id } }')
    assert answer.json()["data"] == {"__typename": "Query", "nodes": None}
    assert codes(answer) == ["UNAUTHENTICATED"]
    assert converted == []
