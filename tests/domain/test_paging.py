"""Pages of lists: arguments, cursors and page information."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.errors import ErrorCode, Refused
from app.domain.filters import ALL, Eq, Range
from app.domain.ids import Key
from app.domain.kinds import Kind, Order
from app.domain.paging import (
    ListQuery,
    Page,
    PageRequest,
    TotalCount,
    decode_cursor,
    encode_cursor,
    list_hash,
    to_page,
    to_page_request,
)
from app.domain.rows import Row
from app.domain.rules import ReadableRules
from app.domain.times import to_milliseconds

settings.register_profile("profile-api", deadline=None, derandomize=True)
settings.load_profile("profile-api")

LIST = list_hash("t", "User", "created_at", -1)
INT64 = st.integers(-(2**63), 2**63 - 1)
VALUES = (
    st.none()
    | st.booleans()
    | INT64
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.datetimes().map(to_milliseconds)
)


def forged(content: Any) -> str:
    """Returns a cursor as `encode_cursor` writes it, with any content."""
    return urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def assert_refused(text: str, argument: str = "after", name: str = LIST) -> Refused:
    with pytest.raises(Refused) as refused:
        decode_cursor(name, text, argument)
    assert refused.value.code is ErrorCode.INVALID_INPUT
    assert refused.value.path == (argument,)
    assert refused.value.message.startswith(argument)
    return refused.value


# ---------------------------------------------------------------- windows


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ((None, None, None, None), PageRequest(25)),
        ((1, None, None, None), PageRequest(1)),
        ((100, "a", None, "b"), PageRequest(100, False, "a", "b")),
        ((None, "a", None, None), PageRequest(25, False, "a")),
        ((None, None, 1, None), PageRequest(1, True)),
        ((None, "a", 100, "b"), PageRequest(100, True, "a", "b")),
        # `before` without a size still reads from the front.
        ((None, None, None, "b"), PageRequest(25, False, None, "b")),
    ],
)
def test_arguments_select_a_part_of_a_list(arguments: tuple[Any, ...], asked: PageRequest) -> None:
    assert to_page_request(*arguments) == asked


@pytest.mark.parametrize(
    ("first", "last", "path"),
    [
        (0, None, "first"),
        (-1, None, "first"),
        (101, None, "first"),
        (2**31 - 1, None, "first"),
        (None, 0, "last"),
        (None, -1, "last"),
        (None, 101, "last"),
        (1, 1, "last"),
        (0, 0, "last"),
    ],
)
def test_page_size_is_1_to_100_from_one_end(first: int | None, last: int | None, path: str) -> None:
    with pytest.raises(Refused) as refused:
        to_page_request(first, None, last, None)
    assert refused.value.code is ErrorCode.INVALID_INPUT
    assert refused.value.path == (path,)


# ---------------------------------------------------------------- cursors


@given(VALUES, st.text(max_size=30))
def test_cursor_decodes_to_what_was_encoded(value: Any, key: str) -> None:
    text = encode_cursor(LIST, value, key)
    found, found_key = decode_cursor(LIST, text, "after")
    assert (found, found_key) == (value, key)
    assert type(found) is type(value)
    assert text.isascii()
    assert not set(text) & set("=+/")


@pytest.mark.parametrize("argument", ["after", "before"])
def test_cursor_of_another_list_is_refused(argument: str) -> None:
    other = list_hash("t", "User", "created_at", 1)
    refused = assert_refused(encode_cursor(other, 1, "k"), argument)
    assert "another list" in refused.message


GOOD = encode_cursor(LIST, "v", "k")
NOT_MILLISECONDS: list[Any] = [None, "", "x", [], {}, 2**80, -(2**80), 1e400, float("nan")]


@pytest.mark.parametrize("argument", ["after", "before"])
@pytest.mark.parametrize(
    "text",
    [
        *("", "=", "A", "AAAAA", "é", "\ud800", "\0", "null", "0", "LIST", GOOD[:-4], GOOD[4:], GOOD + "A"),
        *(GOOD + "é", "é" + GOOD, GOOD + GOOD, "!!!!" + GOOD, GOOD[:4] + "\n" + GOOD[4:], GOOD[:4] + "%%%%" + GOOD[4:]),
        *map(forged, [None, 1, "", [], {}, [LIST], [LIST, 1], [LIST, 1, "k", 1], {"name": LIST}, "abc", True]),
        *map(forged, [[LIST, [], "k"], [LIST, [1], "k"], [LIST, {}, "k"], [LIST, {"$gt": ""}, "k"]]),
        *(forged([LIST, {"ms": each}, "k"]) for each in NOT_MILLISECONDS),
        *(forged([LIST, {"ms": each}, "k"]) for each in (-62135596800001, 253402300800000)),
        *map(forged, [[None, 1, "k"], ["", 1, "k"], [0, 1, "k"], [[LIST], 1, "k"], [LIST.upper(), 1, "k"]]),
        urlsafe_b64encode(b"[" * 100_000).decode(),
        urlsafe_b64encode(b"\xff\xfe").decode(),
        urlsafe_b64encode(b'["' + LIST.encode() + b'",' + b"9" * 5000 + b',"k"]').decode(),
    ],
)
def test_forged_cursor_is_refused(text: str, argument: str) -> None:
    assert_refused(text, argument)


@pytest.mark.parametrize(
    "content",
    [[LIST, 2**63, "k"], [LIST, -(2**63) - 1, "k"], [LIST, 10**400, "k"], [LIST, "\ud800", "k"]],
    ids=["2**63", "-2**63-1", "10**400", "surrogate"],
)
def test_forged_value_that_no_row_can_have_is_refused(content: Any) -> None:
    assert_refused(forged(content))


JSON = st.recursive(
    st.none() | st.booleans() | INT64 | st.floats() | st.text(max_size=4) | st.sampled_from([LIST, "ms"]),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.sampled_from(["ms", "a"]), inside, max_size=2),
    max_leaves=6,
)


@given(
    st.text()
    | st.binary().map(lambda content: urlsafe_b64encode(content).decode())
    | JSON.map(forged)
    | JSON.map(lambda value: forged([LIST, value, "k"]))
)
def test_random_cursor_is_refused_or_is_a_position(text: str) -> None:
    try:
        value, key = decode_cursor(LIST, text, "after")
    except Refused as refused:
        assert refused.path == ("after",)
    else:
        # The value is never an object, because MongoDB could read an object as an operator.
        assert value is None or isinstance(value, str | int | float | datetime)
        assert isinstance(key, str)


def test_name_of_a_list_contains_everything_that_defines_it() -> None:
    names = [
        list_hash(*parts)
        for parts in [
            (),
            ("t",),
            ("u",),
            ("t", "User"),
            ("tUser",),
            ("t", "User", "created_at", 1),
            ("t", "User", "created_at", -1),
            ("t", "User", "updated_at", -1),
            ("t", "User", "created_at", -1, None),
            ("t", "User", "created_at", -1, "None"),
            ("t", "User", "created_at", "-1"),
        ]
    ]
    assert len(set(names)) == len(names)
    assert list_hash("t", "User") == list_hash("t", "User")


# ---------------------------------------------------------------- pages

ORDER = Order("n", 1)


def test_cursor_belongs_to_tenant_kind_order_filter_and_owner() -> None:
    thing, other = Kind("Thing", owner="user"), Kind("Other", owner="user")
    query = ListQuery(thing, Order("n", 1), Eq("n", 1))
    names = [
        query.name("t"),
        query.name("u"),
        replace(query, kind=other).name("t"),
        replace(query, order=Order("m", 1)).name("t"),
        replace(query, order=Order("n", -1)).name("t"),
        replace(query, where=Eq("n", 2)).name("t"),
        replace(query, where=ALL).name("t"),
        query.of(Key("a")).name("t"),
        query.of(Key("b")).name("t"),
        replace(query, owner="role_ids").of(Key("a")).name("t"),
    ]
    assert len(set(names)) == len(names)
    # A default period does not define the list, because it begins at a different time in every request.
    recent = replace(query, extra_filter=Range("at", 1))
    assert (recent, recent.name("t")) == (query, query.name("t"))


def page(count: int, asked: PageRequest, total: TotalCount | None = None) -> Page:
    rows = [Row(Kind("Thing"), {"_id": f"id{n}", "n": n}, ReadableRules()) for n in range(count)]
    return to_page(rows, ORDER, asked, LIST, total)


def numbers(page: Page) -> list[int]:
    return [row.record["n"] for row in page.nodes]


@pytest.mark.parametrize(
    ("count", "asked", "shown", "has_next", "has_previous"),
    [
        (0, PageRequest(2), [], False, False),
        (1, PageRequest(2), [0], False, False),
        (2, PageRequest(2), [0, 1], False, False),
        (3, PageRequest(2), [0, 1], True, False),
        (3, PageRequest(2, after="c"), [0, 1], True, True),
        (2, PageRequest(2, after="c"), [0, 1], False, True),
        (0, PageRequest(2, after="c"), [], False, True),
        # When reading from the back, the extra row is the first one.
        (0, PageRequest(2, True), [], False, False),
        (2, PageRequest(2, True), [0, 1], False, False),
        (3, PageRequest(2, True), [1, 2], False, True),
        (3, PageRequest(2, True, before="c"), [1, 2], True, True),
        (2, PageRequest(2, True, before="c"), [0, 1], True, False),
        (1, PageRequest(1, True), [0], False, False),
        (2, PageRequest(1, True), [1], False, True),
    ],
)
def test_extra_row_means_that_there_are_more(
    count: int, asked: PageRequest, shown: list[int], has_next: bool, has_previous: bool
) -> None:
    found = page(count, asked)
    assert numbers(found) == shown
    assert found.page_info.has_next_page is has_next
    assert found.page_info.has_previous_page is has_previous
    cursors = [edge.cursor for edge in found.edges]
    assert found.page_info.start_cursor == (cursors[0] if cursors else None)
    assert found.page_info.end_cursor == (cursors[-1] if cursors else None)
    assert [decode_cursor(LIST, cursor, "after") for cursor in cursors] == [(n, f"id{n}") for n in shown]


def test_row_without_the_ordering_value_has_a_cursor() -> None:
    row = Row(Kind("Thing"), {"_id": "a"}, ReadableRules())
    [edge] = to_page([row], ORDER, PageRequest(1), LIST).edges
    assert edge.node is row
    assert decode_cursor(LIST, edge.cursor, "after") == (None, "a")


def test_count_is_present_when_requested() -> None:
    assert page(1, PageRequest(1)).total_count is None
    assert page(1, PageRequest(1), TotalCount(7, True)).total_count == TotalCount(7, True)


def test_cursor_contains_order_value_and_key_only() -> None:
    text = encode_cursor(LIST, datetime(1969, 12, 31, 23, 59, 59, 999000), 7)
    content = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    assert content == [LIST, {"ms": -1}, "7"]
