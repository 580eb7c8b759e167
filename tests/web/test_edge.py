"""Around operations: rate limits, limits, trusted documents, time limits, headers, CORS, metrics, traces and logs."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.auth.development import mint
from app.domain.errors import Unavailable
from app.domain.rules import UPDATE_ROOT_ATTRIBUTES, Rule
from app.engine.documents import Documents as PreparedDocuments
from app.engine.trusted_documents import document_id
from app.services.reads import Reads
from app.settings import ConfigurationError
from app.store.database import driver_errors, time_limit
from app.web.traces import Traces, traces_from_environment
from tests.clients import GRAPHQL_RESPONSE, production_client, service_client
from tests.serving import serve
from tests.world import ALL_SCOPES, World, codes


async def ask(client: httpx.AsyncClient, query: str, token: str | None = None, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        named["authorization"] = f"Bearer {token}"
    return await client.post("/graphql", json={"query": query}, headers=named)


# ---------------------------------------------------------------- rate limits


async def test_caller_is_limited_by_cost_and_learns_when_to_retry(world: World) -> None:
    john, jane = await world.add_user("john"), await world.add_user("jane")
    token = world.user_token(john)
    async with service_client(world, rate_limit="10/hour") as client:
        query = "{ viewer { name } rateLimit { limit cost remaining resetAt } }"
        answer = await ask(client, query, token)
        limit = answer.json()["data"]["rateLimit"]
        assert (limit["limit"], limit["cost"], limit["remaining"]) == (10, 1, 9)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", limit["resetAt"])
        assert answer.headers["ratelimit-policy"] == '"caller";q=10;w=3600'
        assert re.fullmatch(r'"caller";r=9;t=\d+', answer.headers["ratelimit"])
        # Expensive operations use more units: this one costs 601, which is seven units.
        dear = "{ viewer { a: logEvents(first: 100) { nodes { id date type userName connection } } } }"
        answer = await ask(client, dear, token)
        assert codes(answer) == []
        assert ";r=2;" in answer.headers["ratelimit"]
        answer = await ask(client, dear, token)
        assert (answer.status_code, codes(answer)) == (429, ["RATE_LIMITED"])
        wait = answer.json()["errors"][0]["extensions"]["retryAfter"]
        assert 0 < wait <= 3600
        assert answer.headers["retry-after"] == str(wait)
        assert answer.headers["ratelimit"] == f'"caller";r=0;t={wait}'
        assert "data" not in answer.json()
        # The limit does not apply to other callers.
        assert codes(await ask(client, query, world.user_token(jane))) == []
        assert codes(await ask(client, "{ __typename }")) == []


async def test_invalid_operations_count(world: World) -> None:
    john = await world.add_user("john")
    async with service_client(world, rate_limit="25/hour") as client:
        told = [codes(await ask(client, "{ nope }", world.user_token(john))) for _ in range(3)]
    assert told == [["GRAPHQL_VALIDATION_FAILED"], ["GRAPHQL_VALIDATION_FAILED"], ["RATE_LIMITED"]]


TWO = "query A { __typename } query B { __typename }"
WRITE = "mutation { updateUserMetadata(input: {patch: {}}) { errors { code } } }"


@pytest.mark.parametrize(
    ("method", "request_", "status"),
    [
        ("POST", {"json": {"query": "{ nope }"}}, 200),
        ("POST", {"json": {"query": "{"}}, 200),
        ("POST", {"json": {"query": TWO}}, 200),
        ("POST", {"json": {"query": TWO, "operationName": "C"}}, 200),
        ("POST", {"json": {"documentId": "sha256:none"}}, 200),
        ("GET", {"params": {"query": WRITE}}, 405),
        ("GET", {"params": {"query": "{ __typename }", "variables": "{"}}, 400),
        ("GET", {}, 400),
        ("POST", {"content": b"{", "headers": {"content-type": "application/json"}}, 400),
        ("POST", {"json": []}, 400),
        ("POST", {"json": {"query": "{ __typename }", "variables": 1}}, 400),
        ("POST", {"content": b"query", "headers": {"content-type": "text/plain"}}, 415),
        ("POST", {"json": {"query": " " * 2_000}}, 413),
        ("POST", {"json": {"query": "{ __typename }"}, "headers": {"accept": "image/png"}}, 406),
        ("PUT", {"json": {"query": "{ __typename }"}}, 405),
    ],
)
@pytest.mark.parametrize("kind", ["user", "anonymous"])
async def test_requests_that_run_nothing_count_as_ten(
    world: World, kind: str, method: str, request_: dict[str, Any], status: int
) -> None:
    token = {"authorization": f"Bearer {world.user_token('auth0|x')}"} if kind == "user" else {}
    request = {**request_, "headers": {**token, **request_.get("headers", {})}}
    async with service_client(world, rate_limit="15/hour", max_body_bytes=1_000) as client:
        answer = await client.request(method, "/graphql", **request)
        assert answer.status_code == status
        assert answer.headers["ratelimit-policy"] == '"caller";q=15;w=3600'
        assert answer.headers["ratelimit"].startswith('"caller";r=5;t=')
        for _ in range(2):
            answer = await client.request(method, "/graphql", **request)
            assert (answer.status_code, codes(answer)) == (429, ["RATE_LIMITED"])
            assert answer.headers["ratelimit-policy"] == '"caller";q=15;w=3600'
            wait = answer.headers["retry-after"]
            assert answer.headers["ratelimit"] == f'"caller";r=0;t={wait}'


async def test_document_of_an_exhausted_caller_is_not_parsed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    prepare = PreparedDocuments.prepare

    def noting(documents: PreparedDocuments, query: str, *more: Any) -> Any:
        parsed.append(query)
        return prepare(documents, query, *more)

    monkeypatch.setattr(PreparedDocuments, "prepare", noting)
    async with service_client(world, rate_limit="5/hour") as client:
        assert codes(await ask(client, "{ a }")) == ["GRAPHQL_VALIDATION_FAILED"]
        for query in ("{ b }", "{ c }"):
            assert codes(await ask(client, query)) == ["RATE_LIMITED"]
    assert parsed == ["{ a }", "{ b }"]


async def test_every_answer_shows_the_remaining_units(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    john = await world.add_user("john")
    blocked = await world.add_user("jane", blocked=True)
    variables = "query($id: ID!) { node(id: $id) { id } }"

    async def fails(*_: Any, **__: Any) -> None:
        raise Unavailable

    async with service_client(world, rate_limit="1000/hour", address_rate_limit="1000/hour") as client:
        answers = {
            200: await ask(client, "{ viewer { name } }", world.user_token(john)),
            400: await ask(client, variables, world.application_token(), accept=GRAPHQL_RESPONSE),
            403: await ask(client, "{ viewer { name } }", world.user_token(blocked)),
        }
        monkeypatch.setattr("app.services.callers.Callers.identify", fails)
        answers[503] = await ask(client, "{ viewer { name } }", world.user_token(john))
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.headers["ratelimit-policy"] == '"caller";q=1000;w=3600'
        assert answer.headers["ratelimit"].startswith('"caller";r=')


async def test_answers_without_a_caller_show_the_ip_limit(world: World) -> None:
    async with production_client(world, address_rate_limit="2/hour", rate_limit="off") as client:
        refused = await ask(client, "{ __typename }", "no.good.token")
        assert refused.status_code == 401
        assert refused.headers["ratelimit-policy"] == '"address";q=2;w=3600'
        assert refused.headers["ratelimit"].startswith('"address";r=1;t=')
        assert (await ask(client, "{ __typename }")).headers["ratelimit"].startswith('"address";r=0;t=')
        for _ in range(2):
            limited = await ask(client, "{ __typename }")
            assert (limited.status_code, codes(limited)) == (429, ["RATE_LIMITED"])
            assert limited.headers["ratelimit"] == f'"address";r=0;t={limited.headers["retry-after"]}'
            assert limited.headers["ratelimit-policy"] == '"address";q=2;w=3600'


async def test_operation_beyond_a_limit_counts_as_refused(world: World) -> None:
    john = await world.add_user("john")
    dear = "{ viewer { a: logEvents(first: 100) { nodes { changes(first: 1000) { path } } } } }"
    long = "{ viewer { userMetadata(paths: [" + '"a" ' * 101 + "]) } }"
    variable = {"query": "query($p: [String!]) { viewer { userMetadata(paths: $p) } }", "variables": {"p": ["a"] * 101}}
    async with service_client(world, rate_limit="50/hour") as client:
        headers = {"authorization": f"Bearer {world.user_token(john)}"}
        for number, (body, code) in enumerate(
            (({"query": dear}, "COST_EXCEEDED"), ({"query": long}, "BAD_USER_INPUT"), (variable, "BAD_USER_INPUT"))
        ):
            answer = await client.post("/graphql", json=body, headers=headers)
            assert codes(answer) == [code]
            assert f";r={50 - 10 * (number + 1)};" in answer.headers["ratelimit"]


async def test_ip_address_is_limited_before_its_token_is_verified(world: World) -> None:
    async with production_client(world, address_rate_limit="3/hour", trusted_proxies="127.0.0.0/8") as client:
        for expected in (401, 401, 401, 429):
            answer = await ask(client, "{ __typename }", "no.good.token", x_forwarded_for="203.0.113.7")
            assert answer.status_code == expected
        assert (await ask(client, "{ __typename }", "no.good", x_forwarded_for="203.0.113.8")).status_code == 401
    async with production_client(world, ("203.0.113.9", 1), address_rate_limit="1/hour") as client:
        assert (await ask(client, "{ __typename }", x_forwarded_for="1.1.1.1")).status_code == 200
        # The header of a peer that is no trusted proxy is ignored.
        assert (await ask(client, "{ __typename }", x_forwarded_for="2.2.2.2")).status_code == 429


async def test_without_a_limit_no_limit_is_shown(world: World) -> None:
    answer = await world.post("{ rateLimit { limit } }", world.application_token())
    assert answer.json() == {"data": {"rateLimit": None}}
    assert "ratelimit" not in answer.headers
    assert codes(await world.post("{ rateLimit { limit } }")) == ["UNAUTHENTICATED"]


# ---------------------------------------------------------------- limits


async def test_every_limit_is_a_setting(world: World) -> None:
    john = await world.add_user("john")
    query = "{ a: viewer { name @skip(if: false) } caller { kind } users(first: 50) { nodes { roles { name } } } }"
    for setting in ("max_depth", "max_aliases", "max_directives", "max_root_fields", "max_cost"):
        floor = {"max_aliases": 0, "max_directives": 0, "max_cost": 10}.get(setting, 1)
        settings: dict[str, Any] = {setting: floor}
        async with service_client(world, **settings) as client:
            answer = await ask(client, query, world.user_token(john), accept=GRAPHQL_RESPONSE)
            assert (answer.status_code, codes(answer)) == (400, ["COST_EXCEEDED"]), setting
            assert "data" not in answer.json()
    async with service_client(world, max_tokens=100) as client:
        assert codes(await ask(client, "{ " + "caller { kind } " * 40 + "}")) == ["GRAPHQL_PARSE_FAILED"]
    async with service_client(world, max_body_bytes=1_000) as client:
        assert (await ask(client, "{ __typename }" + " " * 1_000)).status_code == 413


async def test_operations_beyond_the_limit_are_refused_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    began, released = asyncio.Event(), asyncio.Event()
    find = Reads.find

    async def waiting(*given: Any, **more: Any) -> Any:
        began.set()
        await released.wait()
        return await find(*given, **more)

    monkeypatch.setattr(Reads, "find", waiting)
    query, tool = "{ authConnections { name } }", world.application_token()
    async with service_client(world, max_concurrent_operations=1) as client:
        first = asyncio.create_task(ask(client, query, tool))
        await began.wait()
        for refused in (await ask(client, query, tool), await ask(client, "{ __typename }")):
            assert (refused.status_code, codes(refused)) == (503, ["UNAVAILABLE"])
            assert refused.headers["retry-after"] == "1"
        assert (await client.get("/healthz")).status_code == 200
        released.set()
        assert codes(await first) == []
        # Refused and answered operations do not count as running any more.
        assert codes(await ask(client, query, tool)) == []
        assert codes(await ask(client, "{", tool)) == ["GRAPHQL_PARSE_FAILED"]
        assert codes(await ask(client, query, tool)) == []


async def test_bodies_that_arrive_slowly_share_limited_memory(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.load._LARGEST_BODIES", 1)
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b'{"query": "{ __typename }"' + b" " * 800
        arrived.set()
        await go_on.wait()
        yield b"}"

    async with service_client(world, max_body_bytes=1_000) as client:
        json_type = {"content-type": "application/json"}
        first = asyncio.create_task(client.post("/graphql", content=slow(), headers=json_type))
        await arrived.wait()
        refused = await ask(client, "{ __typename }" + " " * 500)
        assert (refused.status_code, codes(refused)) == (503, ["UNAVAILABLE"])
        assert codes(await ask(client, "{ __typename }")) == []
        go_on.set()
        assert codes(await first) == []
        for _ in range(5):
            assert codes(await ask(client, "{ __typename }" + " " * 500)) == []


async def test_nodes_accepts_a_hundred_ids(world: World) -> None:
    john = await world.add_user("john")
    id = (await world.ask("{ viewer { id } }", world.user_token(john)))["viewer"]["id"]
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert len((await world.ask(query, world.application_token(), ids=[id] * 100))["nodes"]) == 100
    assert codes(await world.post(query, world.application_token(), ids=[id] * 101)) == ["BAD_USER_INPUT"]


async def test_operation_that_takes_too_long_is_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("app.services.reads.Reads.find", never)
    async with service_client(world, time_limit_seconds=0.1) as client:
        answer = await ask(client, "{ authConnections { name } }", world.application_token())
    assert (answer.status_code, codes(answer)) == (200, ["TIMEOUT"])
    assert answer.json()["data"] == {"authConnections": None}


async def test_database_stops_commands_that_take_too_long(world: World) -> None:
    await world.add_user("john")
    slow = {"tenant": world.tenant, "$where": "sleep(60000) || true"}
    with time_limit(0.2), pytest.raises(Unavailable), driver_errors():
        await world.database["users"].find(slow).to_list(None)

    async def running() -> list[Any]:
        found = await world.database.database.client.admin.command("currentOp", {"ns": re.compile("users")})
        return [each for each in found["inprog"] if "$where" in str(each.get("command"))]

    # The command may end a moment after the error. Without the time limit it would run for a minute.
    async with asyncio.timeout(10):
        while await running():
            await asyncio.sleep(0.02)


# ---------------------------------------------------------------- trusted documents


@pytest.fixture
def operations(tmp_path: Path) -> Path:
    folder = tmp_path / "operations" / "deeper"
    folder.mkdir(parents=True)
    (folder / "me.graphql").write_text("query Me { viewer { userId } }\n")
    (folder.parent / "two.graphql").write_text("query A { caller { kind } } query B { caller { subject } }")
    (folder / "README.md").write_text("{ caller { tenant } }")
    return folder.parent


ME = document_id(b"query Me { viewer { userId } }\n")
TWO = document_id(b"query A { caller { kind } } query B { caller { subject } }")


async def by_id(client: httpx.AsyncClient, token: str, **body: Any) -> httpx.Response:
    return await client.post(
        "/graphql", json=body, headers={"authorization": f"Bearer {token}", "accept": GRAPHQL_RESPONSE}
    )


async def test_trusted_documents_run_by_their_id(world: World, operations: Path) -> None:
    token = world.user_token(await world.add_user("john"))
    for mode in ("prefer", "require"):
        async with service_client(world, trusted_documents=mode, trusted_documents_dir=operations) as client:
            assert (await by_id(client, token, documentId=ME)).json() == {"data": {"viewer": {"userId": "auth0|john"}}}
            named = await by_id(client, token, documentId=TWO, operationName="B")
            assert named.json() == {"data": {"caller": {"subject": "auth0|john"}}}
            params = {"documentId": ME}
            headers = {"authorization": f"Bearer {token}"}
            got = await client.get("/graphql", params=params, headers=headers)
            assert got.json() == {"data": {"viewer": {"userId": "auth0|john"}}}
            unknown = await by_id(client, token, documentId=document_id(b"{ caller { tenant } }"))
            assert (unknown.status_code, codes(unknown)) == (400, ["PERSISTED_DOCUMENT_NOT_FOUND"])
            both = await by_id(client, token, documentId=ME, query="{ __typename }")
            assert codes(both) == ["BAD_REQUEST"]
            text = await by_id(client, token, query="{ __typename }")
            assert codes(text) == ([] if mode == "prefer" else ["PERSISTED_DOCUMENT_REQUIRED"])
    off = await by_id(world.client, token, documentId=ME)
    assert codes(off) == ["PERSISTED_DOCUMENT_NOT_FOUND"]
    assert codes(await by_id(world.client, token, documentId=1)) == ["BAD_REQUEST"]


@pytest.mark.parametrize(
    ("text", "told"), [(b"{ nope }", "nope"), (b"{", "Syntax"), (b"\xff", "is not UTF-8"), (None, "no .graphql file")]
)
async def test_invalid_trusted_document_is_a_configuration_error(
    world: World, tmp_path: Path, text: bytes | None, told: str
) -> None:
    if text is not None:
        (tmp_path / "bad.graphql").write_bytes(text)
    with pytest.raises(ConfigurationError, match=told):
        service_client(world, trusted_documents="require", trusted_documents_dir=tmp_path)


# ---------------------------------------------------------------- step-up


async def test_step_up_error_shows_the_maximum_age(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # A mutation whose only obstacle is the sign-in: its rule needs a recent one in this test.
    is_recent = vars(Rule)["recent"].__get__
    recent = property(lambda rule: rule is UPDATE_ROOT_ATTRIBUTES or is_recent(rule))
    monkeypatch.setattr(Rule, "recent", recent)
    john = await world.add_user("john")
    write = 'mutation($id: String) { updateRootAttributes(input: {userId: $id, nickname: "J"}) { errors { code } } }'
    fresh, tool = world.user_token(john), world.application_token()
    # The clock is far in the future, so that no sign-in is recent.
    async with service_client(world, step_up_seconds=1) as client:
        monkeypatch.setattr("app.services.writes.time.time", lambda: 4e9)
        answer = await ask(client, write, fresh)
        assert (answer.status_code, codes(answer)) == (200, ["INSUFFICIENT_USER_AUTHENTICATION"])
        assert answer.json()["data"] == {"updateRootAttributes": None}
        assert answer.json()["errors"][0]["extensions"]["max_age"] == 1
        challenge = answer.headers["www-authenticate"]
        assert challenge.startswith('Bearer realm="profile-api", error="insufficient_user_authentication"')
        assert 'max_age="1"' in challenge
        # Applications need no recent sign-in.
        body = {"query": write, "variables": {"id": john.user_id}}
        headers = {"authorization": f"Bearer {tool}"}
        assert codes(await client.post("/graphql", json=body, headers=headers)) == []
    monkeypatch.undo()
    monkeypatch.setattr(Rule, "recent", recent)
    assert codes(await ask(world.client, write, fresh)) == []


# ---------------------------------------------------------------- development


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Port",
        "X-Forwarded-Anything",
        "Forwarded",
        "X-Real-IP",
        "Via",
        "CF-Connecting-IP",
        "True-Client-IP",
        "X-Client-IP",
        "X-Original-Host",
    ],
)
async def test_development_refuses_forwarded_requests(world: World, header: str) -> None:
    for path in ("/graphql", "/healthz", "/development/token", "/ticket", "/metrics", "/nothing"):
        answer = await world.client.get(path, headers={header: "127.0.0.1"})
        assert (answer.status_code, codes(answer)) == (403, ["BAD_REQUEST"]), path


@pytest.mark.parametrize(
    ("peer", "status"),
    [
        ("127.0.0.1", 200),
        ("127.8.9.10", 200),
        ("::1", 200),
        ("::ffff:127.0.0.1", 200),
        ("192.168.1.2", 403),
        ("0.0.0.0", 403),
        ("::", 403),
        ("fe80::1", 403),
        ("::ffff:192.168.1.2", 403),
        ("2001:db8::1", 403),
        ("unix", 403),
        ("", 403),
        (None, 403),
    ],
)
async def test_development_refuses_other_machines(world: World, peer: str | None, status: int) -> None:
    client: Any = None if peer is None else (peer, 1234)
    async with service_client(world, client) as served:
        assert (await ask(served, "{ __typename }")).status_code == status
        assert (await served.get("/healthz")).status_code == status


async def test_development_refuses_two_hosts(world: World) -> None:
    headers = [("host", "localhost"), ("host", "evil.example")]
    assert (await world.client.get("/healthz", headers=headers)).status_code == 421


async def test_service_with_an_issuer_accepts_any_peer_and_host(world: World) -> None:
    async with production_client(world, ("203.0.113.7", 1)) as client:
        headers = {"x-forwarded-for": "198.51.100.1", "host": "profiles.example.com"}
        assert (await client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)).status_code == 200


# ---------------------------------------------------------------- headers


async def test_no_answer_may_be_cached_or_framed(world: World) -> None:
    for answer in (
        await ask(world.client, "{ __typename }"),
        await world.client.put("/graphql"),
        await world.client.get("/healthz"),
        await world.client.get("/nothing"),
        await world.client.get("/graphql", headers={"accept": "text/html"}),
    ):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe-eval" not in answer.headers["content-security-policy"]


async def test_request_keeps_its_id_or_gets_one(world: World) -> None:
    assert (await ask(world.client, "{ __typename }", x_request_id="abc-1.2_3")).headers["x-request-id"] == "abc-1.2_3"
    for bad in ("", "a b", "a" * 65, 'a"b'):
        given = (await ask(world.client, "{ __typename }", x_request_id=bad)).headers["x-request-id"]
        assert re.fullmatch("[0-9a-f]{32}", given)


async def test_other_origins_need_configuration(world: World) -> None:
    preflight = {"origin": "https://app.example.com", "access-control-request-method": "POST"}
    preflight["access-control-request-headers"] = "authorization,content-type"
    answer = await world.client.options("/graphql", headers=preflight)
    assert "access-control-allow-origin" not in answer.headers
    async with service_client(world, cors_origins="https://app.example.com, https://two.example.com") as client:
        answer = await client.options("/graphql", headers=preflight)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
        answer = await ask(client, "{ __typename }", origin="https://two.example.com")
        assert answer.headers["access-control-allow-origin"] == "https://two.example.com"
        assert "x-request-id" in answer.headers["access-control-expose-headers"]
        answer = await ask(client, "{ __typename }", origin="https://evil.example.com")
        assert "access-control-allow-origin" not in answer.headers
        assert (await client.options("/graphql", headers={**preflight, "origin": "null"})).status_code == 400


async def test_cors_accepts_headers_of_usual_clients_and_no_others(world: World) -> None:
    usual = "apollo-require-preflight apollographql-client-name apollographql-client-version graphql-client-name"
    usual += " graphql-client-version x-request-id authorization content-type traceparent tracestate"
    preflight = {"origin": "https://app.example.com", "access-control-request-method": "POST"}
    async with service_client(world, cors_origins="https://app.example.com") as client:

        async def status(headers: str) -> int:
            asked = {**preflight, "access-control-request-headers": headers}
            return (await client.options("/graphql", headers=asked)).status_code

        for name in usual.split():
            assert await status(name) == await status(name.upper()) == 200, name
        assert await status(", ".join(usual.split())) == 200
        for name in ("x-forwarded-for", "cookie", "x-apollo-operation-name", "x-http-method-override", "host", "*"):
            assert await status(name) == 400, name
        answer = await client.options(
            "/graphql", headers={**preflight, "access-control-request-headers": "x-request-id"}
        )
        # Starlette adds the four headers that the Fetch standard allows in every request.
        allowed = set(answer.headers["access-control-allow-headers"].lower().split(", "))
        assert allowed == {*usual.split(), "accept", "accept-language", "content-language"}


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        (f"{GRAPHQL_RESPONSE}, application/json", GRAPHQL_RESPONSE),
        (f"application/json;q=0.5, {GRAPHQL_RESPONSE}", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE};q=0.1, application/json;q=0.9", "application/json"),
        ("text/html;q=0.9, */*;q=0.1", "application/json"),
        (f"application/json;q=0, {GRAPHQL_RESPONSE}", GRAPHQL_RESPONSE),
        ("text/event-stream, application/json", "application/json"),
        ("application/json;q=0", None),
        ("application/json;q=high", None),
        ("text/event-stream", None),
    ],
)
async def test_answer_has_the_preferred_media_type(world: World, accept: str, found: str | None) -> None:
    answer = await ask(world.client, "{ __typename }", accept=accept)
    if found is None:
        assert answer.status_code == 406
    else:
        assert answer.headers["content-type"] == f"{found}; charset=utf-8"


# ---------------------------------------------------------------- eyes


def sample(text: str, name: str, **labels: str) -> float:
    wanted = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    found = re.search(rf"^{name}{{{re.escape(wanted)}}} (\S+)$" if wanted else rf"^{name} (\S+)$", text, re.MULTILINE)
    return float(found.group(1)) if found else 0.0


async def test_metrics_have_known_labels_only(world: World) -> None:
    token = world.user_token(await world.add_user("john"))
    async with service_client(world) as client:
        marked = "query Marker { marker: viewer { name } users { nodes { id } } }"
        assert codes(await ask(client, marked, token)) == ["FORBIDDEN"]
        await ask(client, marked, token)
        await ask(client, "{ marker }", token)
        await ask(client, "{ __typename }", "marker.marker.marker")
        text = (await client.get("/metrics")).text
    assert sample(text, "profile_api_root_field_seconds_count", field="Query.viewer") == 2
    assert sample(text, "profile_api_root_field_errors_total", field="Query.users", code="FORBIDDEN") == 2
    assert sample(text, "profile_api_root_field_errors_total", field="Query.viewer", code="FORBIDDEN") == 0
    assert sample(text, "profile_api_root_field_cost_total", field="Query.viewer") == 2 * 53
    assert sample(text, "profile_api_request_seconds_count", status="200") == 3
    assert sample(text, "profile_api_request_seconds_count", status="401") == 1
    assert sample(text, "profile_api_refused_total", code="GRAPHQL_VALIDATION_FAILED") == 1
    assert sample(text, "profile_api_refused_total", code="UNAUTHENTICATED") == 1
    assert sample(text, "profile_api_cache_hits", of="tokens") == 2
    assert sample(text, "profile_api_cache_misses", of="documents") == 2
    assert sample(text, "profile_api_cache_size", of="documents") == 1
    assert sample(text, "profile_api_caller_seconds_count") == 2
    assert sample(text, "profile_api_database_connections", of="open") >= 1
    assert "arker" not in text


async def test_metrics_count_requests_refused_before_routing(world: World) -> None:
    async with service_client(world) as client:
        for headers in ({"host": "evil.example.com"}, {"x-forwarded-for": "203.0.113.7"}):
            await client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
        text = (await client.get("/metrics")).text
    assert sample(text, "profile_api_request_seconds_count", status="421") == 1
    assert sample(text, "profile_api_request_seconds_count", status="403") == 1
    assert sample(text, "profile_api_refused_total", code="BAD_REQUEST") == 2


async def test_metrics_need_loopback_or_the_token(world: World) -> None:
    token = "a-token-of-the-operators"
    bearer = {"authorization": f"Bearer {token}"}
    async with production_client(world) as client:
        assert (await client.get("/metrics")).status_code == 200
        # The request came through a proxy on this machine.
        for name in ("x-forwarded-for", "forwarded", "x-real-ip", "via"):
            assert (await client.get("/metrics", headers={name: "203.0.113.7"})).status_code == 404
    async with production_client(world, ("203.0.113.7", 1)) as client:
        assert (await client.get("/metrics")).status_code == 404
        assert (await client.get("/metrics", headers=bearer)).status_code == 404
    async with production_client(world, ("203.0.113.7", 1), metrics_token=token) as client:
        assert (await client.get("/metrics", headers=bearer)).status_code == 200
        assert (await client.get("/metrics", headers={"authorization": "Bearer another"})).status_code == 404


async def test_trace_has_a_span_for_each_root_field(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("app.composition.web.traces_from_environment", lambda: Traces(provider.get_tracer("test")))
    john = await world.add_user("john")
    trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    async with service_client(world) as client:
        query = "query Mine { secret: viewer { name } caller { kind } }"
        await ask(client, query, world.user_token(john), traceparent=f"00-{trace}-{parent}-01")
        await ask(client, "{")
    children, (request, refused) = exporter.get_finished_spans()[:2], exporter.get_finished_spans()[2:]
    assert [each.name for each in children] == ["Query.viewer", "Query.caller"]
    assert request.name == "GraphQL query"
    assert request.parent
    assert f"{request.parent.span_id:016x}" == parent
    assert {f"{each.context.trace_id:032x}" for each in (*children, request)} == {trace}
    assert {each.parent.span_id for each in children if each.parent} == {request.context.span_id}
    attributes = dict(request.attributes or {})
    assert attributes["graphql.operation.name"] == "Mine"
    assert attributes["http.response.status_code"] == 200
    assert "graphql.operation.type" not in dict(refused.attributes or {})


def test_traces_are_off_until_there_is_an_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    assert traces_from_environment() is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    assert traces_from_environment() is not None


def test_log_has_a_line_for_each_request_and_no_secret(tmp_path: Path) -> None:
    log = tmp_path / "log"
    data_dir = tmp_path / "data"
    with serve(data_dir, "--demo", log=log) as served:
        token = mint(data_dir, "auth0|john.doe", "web", ALL_SCOPES, 3600)
        url = f"{served.url}/graphql"
        query = (
            'mutation Save($p: JSON!) { updateUserMetadata(input: {patch: $p, reason: "sesame"}) { errors { code } } }'
        )
        headers = {"authorization": f"Bearer {token}", "x-request-id": "one"}
        httpx.post(url, json={"query": query, "variables": {"p": {"sesame": "sesame"}}}, headers=headers)
        httpx.post(url, json={"query": '{ user(by: {userId: "sesame"}) { nme } }'}, headers=headers)
        httpx.post(url, json={"query": "{ viewer { name }", "variables": {"sesame": 1}}, headers=headers)
        httpx.get(url, params={"query": "{caller{kind}}", "access_token": "sesame"})
        httpx.post(url, content=b'{"query": sesame', headers={"content-type": "application/json"})
        httpx.post(url, json={"query": "{ __typename }"}, headers={"authorization": "Bearer sesame"})
        httpx.post(url, json={"query": "{ __typename }"}, headers={"authorization": "Bearer a.sesame.b"})
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    written = [each for each in lines if each["event"] == "request"]
    assert len(written) == 7
    first = written[0]
    assert first["operation"] == "Save"
    assert (first["type"], first["status"], first["request_id"]) == ("mutation", 200, "one")
    assert (first["caller"], first["tenant"]) == ("auth0|john.doe", "dev")
    assert first["cost"] > 0
    assert first["ms"] > 0
    assert written[1]["codes"] == ["GRAPHQL_VALIDATION_FAILED"]
    assert written[6]["codes"] == ["UNAUTHENTICATED"]
    text = log.read_text()
    assert "sesame" not in text
    assert token.split(".")[2] not in text


def test_log_for_a_terminal_is_readable_text(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serve(tmp_path / "data", "--demo", log=log, PROFILE_API_LOG_FORMAT="terminal") as served:
        httpx.post(f"{served.url}/graphql", json={"query": "query Words { __typename }"})
    [line] = [each for each in log.read_text().splitlines() if "Words" in each]
    assert not line.startswith("{")


def test_metrics_are_the_sum_of_all_workers(tmp_path: Path) -> None:
    with serve(tmp_path, "--demo", "--workers", "2") as served:
        for _ in range(30):
            # Each request has its own connection, so that both workers get some.
            assert httpx.post(f"{served.url}/graphql", json={"query": "{ __typename }"}).status_code == 200
        # The HTTP server refuses this request before the application gets it.
        assert httpx.post(f"{served.url}/graphql", headers={"x-large": "a" * 40_000}).status_code == 431
        for _ in range(5):
            text = httpx.get(f"{served.url}/metrics").text
            assert sample(text, "profile_api_request_seconds_count", status="200") == 30
            assert sample(text, "profile_api_request_seconds_count", status="431") == 1


async def test_public_mutations_are_limited_by_ip_address(world: World) -> None:
    redeem = 'mutation { redeemTicket(input: {ticket: "x"}) { errors { code } } }'
    sign_up = 'mutation { signUp(input: {connection: "x", password: "x"}) { errors { code } } }'
    async with production_client(world, open_rate_limit="3/hour", trusted_proxies="127.0.0.0/8") as client:
        assert codes(await ask(client, redeem)) == []
        assert codes(await ask(client, sign_up)) == []
        assert (await client.get("/ticket?ticket=x")).status_code == 404
        # The limit also applies to requests with a token.
        for query in (redeem, sign_up):
            assert codes(await ask(client, query, world.application_token())) == ["RATE_LIMITED"]
        page = await client.post("/ticket", data={"ticket": "x"})
        assert (page.status_code, int(page.headers["retry-after"]) > 0) == (429, True)
        assert page.headers["ratelimit-policy"] == '"open";q=3;w=3600'
        assert codes(await ask(client, redeem, x_forwarded_for="203.0.113.8")) == []


async def test_tenant_with_mfa_accepts_shorter_passwords(world: World) -> None:
    await world.add_connection()
    await world.add_user("john")
    query = 'mutation { changePassword(input: {userId: "auth0|john", newPassword: "%s"}) { errors { message } } }'
    async with service_client(world, mfa_tenants=f"other,{world.tenant}") as client:
        for password, told in (("eightch", "8 to 128"), ("k7#vQ2xzp", None), ("password", "easy to guess")):
            answer = (await ask(client, query % password, world.application_token())).json()
            errors = answer["data"]["changePassword"]["errors"]
            assert (told in errors[0]["message"]) if told else errors == []
