"""What a service with a configured issuer reveals without a token: the checks of graphql-cop, and similar ones."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query

from app.auth.development import development_issuer
from app.main import build
from app.settings import Settings
from tests.world import World, codes

BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


def production(world: World, **settings: Any) -> httpx.AsyncClient:
    issuer = development_issuer(world.data_dir).model_copy(update={"tenant": world.tenant})
    limits = {"rate_limit": "off", "address_rate_limit": "off", **settings}
    app = build(Settings(data_dir=world.data_dir, issuers=[issuer], **limits), world.database)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost")


@pytest.fixture
async def service(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with production(world) as client:
        yield client


async def ask(client: httpx.AsyncClient, query: str, **more: Any) -> httpx.Response:
    return await client.post("/graphql", json={"query": query, **more})


# ---------------------------------------------------------------- graphql-cop: a name for each of its checks


async def test_cop_field_suggestions(service: httpx.AsyncClient) -> None:
    for query in ("{ __schema { directive } }", "{ viewr { name } }", "{ viewer { nam } }", "{ user(bye: 1) { id } }"):
        answer = await ask(service, query)
        assert set(codes(answer)) == {"GRAPHQL_VALIDATION_FAILED"}
        assert "Did you mean" not in answer.text


async def test_cop_introspection(service: httpx.AsyncClient) -> None:
    for query in (
        "{ __schema { types { name fields { name } } } }",
        '{ __type(name: "User") { name } }',
        get_introspection_query(),
        "{ ...A } fragment A on Query { a: __schema { queryType { name } } }",
    ):
        answer = await ask(service, query)
        assert set(codes(answer)) == {"GRAPHQL_VALIDATION_FAILED"}
        assert "data" not in answer.json()


async def test_cop_graphiql(service: httpx.AsyncClient) -> None:
    for path in ("/graphql", "/", "/graphiql", "/playground", "/console", "/static/manifest.json"):
        answer = await service.get(path, headers={"accept": BROWSER})
        assert not {"graphiql", "playground"} & set(answer.text.lower().split()), path
        assert answer.status_code == {"/graphql": 400, "/": 200}.get(path, 404)


async def test_cop_alias_overloading(service: httpx.AsyncClient) -> None:
    aliases = " ".join(f"alias{number}: __typename" for number in range(101))
    assert codes(await ask(service, f"query cop {{ {aliases} }}")) == ["COST_EXCEEDED"]


async def test_cop_batch_queries(service: httpx.AsyncClient) -> None:
    answer = await service.post("/graphql", json=[{"query": "query cop { __typename }"}] * 10)
    assert (answer.status_code, codes(answer)) == (400, ["BAD_REQUEST"])


async def test_cop_directive_overloading(service: httpx.AsyncClient) -> None:
    answer = await ask(service, "query cop { __typename " + "@aa" * 10 + " }")
    assert codes(answer) == ["GRAPHQL_VALIDATION_FAILED"] * 5
    assert codes(await ask(service, "{ __typename " + "@include(if: true)" * 51 + " }")) == ["COST_EXCEEDED"]


async def test_cop_tracing_and_unhandled_errors(service: httpx.AsyncClient) -> None:
    for query in ("query cop { __typename }", "qwerty cop { abc }", "{ viewer { name } }"):
        text = (await ask(service, query, extensions={"tracing": True})).text.lower()
        assert "tracing" not in text
        assert "exception" not in text
        assert "traceback" not in text


async def test_cop_circular_introspection(service: httpx.AsyncClient) -> None:
    circle = "fields { type { " * 4 + "name" + " } }" * 4
    answer = await ask(service, f"query cop {{ __schema {{ types {{ {circle} }} }} }}")
    assert codes(answer)
    assert "data" not in answer.json()


async def test_cop_mutation_by_get(service: httpx.AsyncClient) -> None:
    answer = await service.get("/graphql", params={"query": "mutation cop { __typename }"})
    assert (answer.status_code, codes(answer)) == (405, ["BAD_REQUEST"])


async def test_cop_form_body(service: httpx.AsyncClient) -> None:
    answer = await service.post("/graphql", data={"query": "query cop { __typename }"})
    assert (answer.status_code, codes(answer)) == (415, ["BAD_REQUEST"])


async def test_cop_finds_only_that_queries_go_by_get(service: httpx.AsyncClient) -> None:
    answer = await service.get("/graphql", params={"query": "query cop { __typename }"})
    assert answer.json() == {"data": {"__typename": "Query"}}


# ---------------------------------------------------------------- settings, and more that could suggest


async def test_no_error_of_a_value_suggests_a_name(world: World, service: httpx.AsyncClient) -> None:
    headers = {"authorization": f"Bearer {world.application_token()}"}
    query = "query($by: UserBy!) { user(by: $by) { id } }"
    # Each name differs in one letter from a known name. With introspection, the errors suggest the known names.
    for text, variables in (
        (query, {"by": {"userIdd": "x"}}),
        (
            "mutation($i: RecordFailedLoginInput!) { recordFailedLogin(input: $i) { errors { code } } }",
            {"i": {"reason": "OTHR"}},
        ),
        ('{ user(by: {userIdd: "x"}) { id } }', {}),
        ("{ viewer { logEvents(types: [LOGIN_SUCCEEDE]) { nodes { id } } } }", {}),
        ("query($a: UserBi!) { user(by: $a) { id } }", {}),
    ):
        body = {"query": text, "variables": variables}
        hidden = await service.post("/graphql", json=body, headers=headers)
        assert codes(hidden)
        assert "Did you mean" not in hidden.text, text
        shown = await world.client.post("/graphql", json=body, headers=headers)
        assert "Did you mean" in shown.text, text


async def test_graphiql_and_introspection_are_on_when_set(world: World) -> None:
    async with production(world, graphiql=True, introspection=True) as client:
        page = await client.get("/graphql", headers={"accept": BROWSER})
        assert page.headers["content-type"].startswith("text/html")
        assert codes(await ask(client, get_introspection_query())) == []
        assert "Did you mean" in (await ask(client, "{ viewr { id } }")).text


async def test_in_development_both_are_on_unless_set(world: World) -> None:
    page = await world.client.get("/graphql", headers={"accept": BROWSER})
    assert page.headers["content-type"].startswith("text/html")
    assert codes(await world.post("{ __schema { queryType { name } } }")) == []
    app = build(Settings(data_dir=world.data_dir, graphiql=False, introspection=False), world.database)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
        assert (await client.get("/graphql", headers={"accept": BROWSER})).status_code == 400
        assert set(codes(await ask(client, "{ __schema { queryType { name } } }"))) == {"GRAPHQL_VALIDATION_FAILED"}


async def test_at_most_five_validation_errors_are_reported(world: World) -> None:
    for count, told in ((1, 1), (5, 5), (6, 5), (20, 5)):
        answer = await world.post("{ " + " ".join(f"nothing{number}" for number in range(count)) + " }")
        assert codes(answer) == ["GRAPHQL_VALIDATION_FAILED"] * told
