"""The cache of documents: which documents it contains, and how much memory it uses."""

import gc
import tracemalloc
from typing import Any
from urllib.parse import urlencode

import pytest

from app.domain.attributes.users import USER
from app.domain.selections import SelectionTree
from app.engine.documents import Documents
from app.engine.limits import Limits
from app.services.rows import MAX_PLANS, to_plan
from app.web.requests import BadRequest, read_request
from tests.graphql_schema import SCHEMA
from tests.world import World, codes


def documents() -> Documents:
    return Documents(SCHEMA, Limits())


def test_document_of_a_caller_with_a_token_is_cached_at_once() -> None:
    kept = documents()
    first = kept.prepare("{ viewer { id } }", has_token=True)
    assert kept.prepare("{ viewer { id } }", has_token=False) is first
    assert (kept.hits, kept.misses, len(kept)) == (1, 1, 1)


def test_document_without_token_is_cached_at_its_second_use() -> None:
    kept = documents()
    for number in range(50):
        assert not kept.prepare(f"{{ __typename }} # {number}", has_token=False).errors
    assert (len(kept), kept.size) == (0, 0)
    second = kept.prepare("{ __typename } # 7", has_token=False)
    assert kept.prepare("{ __typename } # 7", has_token=False) is second
    assert len(kept) == 1


def test_documents_seen_once_are_forgotten_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.engine.documents.MAX_SEEN", 3)
    kept = documents()
    for number in (1, 2, 3, 4, 1):
        kept.prepare(f"{{ __typename }} # {number}", has_token=False)
    assert len(kept) == 0
    kept.prepare("{ __typename } # 4", has_token=False)
    assert len(kept) == 1


def test_cached_documents_use_limited_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = documents()
    one = kept.prepare("{ viewer { id } } #1").size
    monkeypatch.setattr("app.engine.documents.MAX_REMEMBERED_BYTES", 3 * one)
    for number in (2, 3, 1, 4):
        kept.prepare(f"{{ viewer {{ id }} }} #{number}")
    # The document that was not used for the longest time is removed.
    assert (len(kept), kept.size) == (3, 3 * one)
    misses = kept.misses
    for number in (1, 3, 4):
        kept.prepare(f"{{ viewer {{ id }} }} #{number}")
    assert kept.misses == misses
    # A document that is larger than the whole cache is not cached.
    kept.prepare("{ viewer { id } } #" + "x" * 60_000)
    assert (len(kept), kept.size) == (0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "{ viewer { id } } #" + "x" * 60_000,
        '{ user(by: {userId: "' + "x" * 60_000 + '"}) { id } }',
        "{ viewer { id } }" + "#\n" * 1_900,
        "{ viewer { " + " ".join(f"a{n}: name" for n in range(30)) + " } }",
        "{ viewer { identities { provider " + "...{id} " * 149 + "} } }",
        "mutation { updateUserMetadata(input: {patch: {a: [" + "1 " * 1_900 + "]}}) { user { id } } }",
    ],
)
def test_size_of_a_document_covers_its_memory(text: str) -> None:
    kept = documents()
    kept.prepare("{ viewer { id } }")
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        # A new copy of the text, as in each request.
        made = kept.prepare(f"{text} ")
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert not made.errors
    assert taken / 4 < made.size > taken


def test_plans_live_as_long_as_their_selection(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    projection = type(USER).projection

    def counted(*arguments: Any) -> Any:
        made.append(arguments)
        return projection(*arguments)

    monkeypatch.setattr(type(USER), "projection", counted)
    tree = SelectionTree()
    tree.below("name")
    assert to_plan(USER, tree, frozenset()) is to_plan(USER, tree, frozenset())
    assert len(made) == 1
    other = SelectionTree()
    other.below("name")
    to_plan(USER, other, frozenset())
    assert len(made) == 2
    for number in range(3 * MAX_PLANS):
        to_plan(USER, tree, frozenset([number]))  # type: ignore[list-item]
    assert tree.plans is not None
    assert len(tree.plans) <= MAX_PLANS


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_text_of_a_document_is_limited_before_it_is_parsed(
    world: World, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    largest = "{ __typename } #" + "x" * (65_536 - 16)
    assert codes(await world.post(largest)) == []
    monkeypatch.setattr("app.engine.documents.parse", None)
    for query in (largest + "x", "{ __typename } #" + "é" * 33_000):
        answer = await world.client.post("/graphql", json={"query": query}, headers={"accept": accept})
        assert (answer.status_code, codes(answer)) == (400, ["BAD_REQUEST"])
        assert "65536 bytes" in answer.json()["errors"][0]["message"]


async def test_document_in_a_url_has_the_same_limit() -> None:
    async def receive() -> Any:
        raise AssertionError

    for length, is_taken in ((65_536, True), (65_537, False)):
        query = urlencode({"query": "{ __typename } #".ljust(length, "x")}).encode()
        reading = read_request({"method": "GET", "query_string": query}, receive, {}, 1_000)
        if is_taken:
            assert (await reading).read_only
        else:
            with pytest.raises(BadRequest, match="65536 bytes"):
                await reading
