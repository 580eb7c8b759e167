"""The budget of an answer while it is built, and other requests that run while a long answer is built."""

import asyncio
from typing import Any, cast

import pytest
import strawberry
from graphql import ExecutionResult
from strawberry.scalars import JSON

from app.directives import ListSize
from app.domain.errors import Forbidden
from app.domain.logs import FieldChange, LogEventType
from app.engine.budget import Budget
from app.engine.documents import Documents
from app.engine.executor import read_leaves_directly, run_operation
from app.engine.limits import Limits
from app.engine.operations import Run
from app.schema.context import Context, Info
from app.schema.costs import list_field
from app.schema.lists import FirstOf, head
from tests.world import World, codes


@strawberry.type
class Part:
    name: str
    value: JSON

    @strawberry.field
    def refused(self) -> str:
        message = "no"
        raise Forbidden(message)


@strawberry.type
class Box:
    tags: list[str] = list_field(2)
    kept: list[Part] = list_field(2)
    document: JSON | None = None

    @strawberry.field(directives=[ListSize(assumed_size=2)])
    def parts(self, first: FirstOf = None) -> list[Part] | None:
        return head(self.kept, first)

    @strawberry.field(directives=[ListSize(assumed_size=10)])
    def maybe(self) -> list[Part | None]:
        return [*self.kept]


def boxes(many: int, parts: int, document: Any = None) -> list[Box]:
    return [
        Box(tags=["t"] * parts, kept=[Part(name=str(n), value=JSON(n)) for n in range(parts)], document=document)
        for _ in range(many)
    ]


@strawberry.type
class Query:
    @strawberry.field(directives=[ListSize(assumed_size=100)])
    def box(self, info: Info) -> list[Box]:
        return cast("list[Box]", info.context.services)


SCHEMA = strawberry.Schema(query=Query)._schema
read_leaves_directly(SCHEMA, ())
DOCUMENTS = Documents(SCHEMA, Limits())


async def run(query: str, found: list[Box], values: int = 0, answer: int = 1_000_000, **variables: Any) -> Any:
    document = DOCUMENTS.prepare(query)
    assert not document.errors
    operation = Run(document, variables, Budget(values, answer), has_token=True)
    context = Context(cast("Any", found), operation)
    result: ExecutionResult = await run_operation(SCHEMA, operation, context, variables, None)
    return result.data, [(each.path, (each.extensions or {}).get("code")) for each in result.errors or []]


async def test_list_longer_than_its_cost_uses_the_budget() -> None:
    # Three more parts, each with two fields, cost three each.
    query = "{ box { parts { name value } } }"
    data, errors = await run(query, boxes(1, 5), values=9)
    assert (len(data["box"][0]["parts"]), errors) == (5, [])
    data, errors = await run(query, boxes(1, 5), values=8)
    assert (data, errors) == ({"box": [{"parts": None}]}, [(["box", 0, "parts"], "COST_EXCEEDED")])


async def test_all_lists_of_an_operation_share_the_budget() -> None:
    data, errors = await run("{ box { parts { name } } }", boxes(3, 4), values=8)
    assert [each["parts"] is None for each in data["box"]] == [False, False, True]
    assert errors == [(["box", 2, "parts"], "COST_EXCEEDED")]
    _, errors = await run("{ box { a: parts { name } b: parts { name } } }", boxes(1, 4), values=7)
    assert errors == [(["box", 0, "b"], "COST_EXCEEDED")]
    # A field that is requested twice is answered once, with the fields of both.
    _, errors = await run("{ box { parts { name } parts { value } } }", boxes(1, 4), values=6)
    assert errors == []


async def test_items_counted_in_advance_do_not_use_the_budget() -> None:
    for query, variables in (
        ("{ box { parts(first: 5) { name } } }", {}),
        ("query($n: Int) { box { parts(first: $n) { name } } }", {"n": 5}),
        ("{ box { parts(first: 2) { name } } }", {}),
    ):
        data, errors = await run(query, boxes(2, 9), values=0, **variables)
        assert errors == []
        assert len(data["box"][0]["parts"]) in (2, 5)
    _, errors = await run("query($n: Int) { box { parts(first: $n) { name } } }", boxes(1, 9), n=None)
    assert errors == [(["box", 0, "parts"], "COST_EXCEEDED")]


async def test_lists_of_text_use_the_budget() -> None:
    assert (await run("{ box { tags } }", boxes(1, 5), values=3))[1] == []
    assert (await run("{ box { tags } }", boxes(1, 5), values=2))[1] == [(["box", 0, "tags"], "COST_EXCEEDED")]


async def test_json_of_an_answer_has_a_limit_in_bytes() -> None:
    query = "{ box { document } }"
    document = {"a": "x" * 92}
    data, errors = await run(query, boxes(3, 0, document), answer=301)
    assert errors == []
    data, errors = await run(query, boxes(3, 0, document), answer=299)
    assert [each["document"] is None for each in data["box"]] == [False, False, True]
    assert errors == [(["box", 2, "document"], "COST_EXCEEDED")]
    _, errors = await run("{ box { parts { value } } }", boxes(1, 2), answer=1)
    assert errors == [(["box", 0, "parts", 1, "value"], "COST_EXCEEDED")]


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """After every item the engine lets the event loop run."""
    monkeypatch.setattr("app.engine.executor._SLICE_SECONDS", -1.0)


async def test_other_requests_run_while_a_long_answer_is_built(no_time: None) -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    data, errors = await run("{ box { parts { name value } } }", boxes(20, 30), values=10_000)
    task.cancel()
    assert errors == []
    assert data == {"box": [{"parts": [{"name": str(n), "value": n} for n in range(30)]}] * 20}
    assert turns > 20 * 30 / 2


async def test_answer_with_errors_is_the_same_with_interruptions(monkeypatch: pytest.MonkeyPatch) -> None:
    query = "{ box { maybe { name refused } parts { refused } tags } }"
    at_once = await run(query, boxes(4, 3), values=1_000)
    monkeypatch.setattr("app.engine.executor._SLICE_SECONDS", -1.0)
    data, errors = await run(query, boxes(4, 3), values=1_000)
    assert data == at_once[0] == {"box": [{"maybe": [None] * 3, "parts": None, "tags": ["t"] * 3}] * 4}
    assert len(errors) == len(at_once[1]) == 4 * 4


async def test_first_limits_the_items_of_a_list(world: World) -> None:
    role = await world.add_role("Editor", [{"api": "a", "name": f"{n:03}"} for n in range(30)])
    john = await world.add_user("john", role_ids=(role,))
    changes = tuple(FieldChange(f"user_metadata.k{n:03}", None, n) for n in range(30))
    await world.add_event(john, LogEventType.USER_METADATA_UPDATED, changes=changes)
    token = world.user_token(john)
    query = """query($n: Int) { viewer {
      logEvents { nodes { changes(first: $n) { path } } }
      permissions(first: $n) { name }
      roles { permissions(first: $n) { name } } } }"""
    for given, length in ((3, 3), (40, 30), (None, 30)):
        viewer = (await world.ask(query, token, n=given))["viewer"]
        [event], [of_role] = viewer["logEvents"]["nodes"], viewer["roles"]
        lists = (event["changes"], viewer["permissions"], of_role["permissions"])
        assert [len(each) for each in lists] == [length] * 3
        assert event["changes"][0] == {"path": "user_metadata.k000"}
    for wrong in (0, -1):
        assert set(codes(await world.post(query, token, n=wrong))) == {"BAD_USER_INPUT"}


async def test_permissions_of_roles_are_charged_before_merging(world: World) -> None:
    roles = [
        await world.add_role(f"R{n}", [{"api": "a", "name": str(each)} for each in range(1_000)]) for n in range(21)
    ]
    john = await world.add_user("john", role_ids=tuple(roles))
    answer = await world.post("{ viewer { userId permissions(first: 1) { name } } }", world.user_token(john))
    assert codes(answer) == ["COST_EXCEEDED"]
    assert answer.json()["data"] == {"viewer": {"userId": "auth0|john", "permissions": None}}
