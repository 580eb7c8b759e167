"""Queries as filters: any text is read or refused, and no text of a caller becomes a part of a database command."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.attributes.users import USER
from app.domain.filters import ALL
from app.search.errors import SearchRefused
from app.search.language import parse_query
from app.store.queries import to_query, to_search_query

FIELDS = {name: field for name, (field, _) in USER.search_fields().items()}
PIECES = [
    *FIELDS,
    *(" ", ":", "(", ")", "[", "]", "{", "}", '"', "*", "?", "\\", "/", "~", "^", "+", "-", "<", ">", "<=", ">=", "!"),
    *(
        "AND",
        "OR",
        "NOT",
        "TO",
        "&&",
        "||",
        "_exists_",
        "jane",
        "李",
        "$where",
        "$gt",
        "{$gt: 1}",
        "\0",
        "\n",
        "now-1d",
    ),
    *("2026-01-01", "10", "-5", "1e999", "9" * 40, "user_metadata.a", "app_metadata.", "user_metadata..b", "a.b@c.de"),
]
OPERATORS = {
    *(
        "$and",
        "$or",
        "$nor",
        "$in",
        "$ne",
        "$gt",
        "$gte",
        "$lt",
        "$lte",
        "$elemMatch",
        "$expr",
        "$literal",
        "$eq",
        "$map",
    ),
    *("$anyElementTrue", "$ifNull", "$let", "$cond", "$split", "$arrayElemAt", "$indexOfCP", "$strLenCP", "$substrCP"),
    *("$subtract", "$add", "$max"),
}


def operators_of(value: Any) -> set[str]:
    """The keys of a command that begin with $, at any depth. The value of $literal is data."""
    if isinstance(value, dict):
        below = [operators_of(each) for name, each in value.items() if name != "$literal"]
        return {name for name in value if name.startswith("$")}.union(*below)
    return set().union(*map(operators_of, value)) if isinstance(value, list) else set()


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=14).map("".join)))
def test_any_text_becomes_a_filter_or_a_refusal(text: str) -> None:
    try:
        where = parse_query(text, FIELDS).where
    except SearchRefused as refusal:
        assert str(refusal)
        return
    json.loads(where.key())
    for query in (to_query(USER, "t", where), to_search_query(USER, "t", ALL, [where])):
        assert operators_of(query) <= OPERATORS
    where.matches({})


@pytest.mark.parametrize(
    "text", ["$where", '"$where"', "user_metadata.lang:$gt", 'name:"{$gt: 1}"', "user_metadata.$a:1"]
)
def test_dollar_of_a_caller_is_a_literal(text: str) -> None:
    where = parse_query(text, FIELDS).where
    assert "$where" not in operators_of(to_search_query(USER, "t", ALL, [where]))


def test_queries_with_the_same_meaning_share_cursors() -> None:
    one, other = (
        parse_query(text, FIELDS).where for text in ("jane AND user_metadata.lang:fr", "user_metadata.lang:FR Jane")
    )
    assert one == other


def test_relative_time_keeps_its_cursors() -> None:
    first, second = (parse_query("last_login:<now-90d", FIELDS).where for _ in range(2))
    assert first == second
    assert first != parse_query("last_login:<now-91d", FIELDS).where
