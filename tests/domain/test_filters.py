"""Filters: their keys, and how they match arrays and absent values. tests/store compares `matches` with MongoDB."""

import json
from datetime import datetime
from itertools import combinations
from typing import Any

import pytest

from app.domain.filters import ALL, And, Contains, Eq, Exists, Filter, In, Not, Or, Prefix, Range

TIME = datetime(2026, 1, 31, 12, 0, 0, 5000)
# Text by which a caller could try to make the keys of two filters equal.
TEXTS = ["", "a", "b", 'a"', "a,b", '","', "['eq'", "null", "true", "1", "\\", "\0", "\ud800", "a b", TIME.isoformat()]
SIMPLE: list[Filter] = [
    *(make(path, text) for make in (Eq, Prefix, Contains) for path in ("a", "a.b") for text in TEXTS),
    *(Eq("a", value) for value in (None, True, False, 0, 1, 1.5, TIME, object)),
    *(In("a", values) for values in ([], [None], ["a"], ["a", "b"], ["a,b"], ["a", 1], [1], [True])),
    *(Range("a", minimum, maximum) for minimum in (None, 1, "1") for maximum in (None, 1, "1")),
    *(Range("a", 1, 2, low, high) for low in (True, False) for high in (True, False)),
    Exists("a"),
    Exists("a.b"),
]
COMBINED: list[Filter] = [
    *(make(parts) for make in (And, Or) for parts in ((), (Eq("a", 1),), (Eq("a", 1), Eq("b", 2)))),
    And((Or((Eq("a", 1), Eq("b", 2))),)),
    And((Or((Eq("a", 1),)), Eq("b", 2))),
    Not(Eq("a", 1)),
    Not(Not(Eq("a", 1))),
    Not(And((Eq("a", 1), Eq("b", 2)))),
]


def test_keys_of_different_filters_differ() -> None:
    for one, other in combinations([*SIMPLE, *COMBINED], 2):
        assert one.key() != other.key(), (one, other)
        assert one != other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (In("a", ["x", "y", "x"]), In("a", ("y", "x"))),
        (And((Eq("a", 1), Eq("b", 2))), And((Eq("b", 2), Eq("a", 1)))),
        (Or((Eq("a", 1), Eq("b", 2), Eq("a", 1))), Or((Eq("b", 2), Eq("a", 1)))),
        (Eq("a", 1), Eq("a", 1.0)),
        (Eq("a", 0.0), Eq("a", -0.0)),
        (Range("a", TIME), Range("a", TIME.replace(microsecond=5999))),
    ],
)
def test_equal_filters_have_equal_keys(one: Filter, other: Filter) -> None:
    assert one.key() == other.key()
    assert one == other
    assert hash(one) == hash(other)


def test_key_is_json_with_all_text_quoted() -> None:
    for each in [*SIMPLE, *COMBINED]:
        assert json.loads(each.key()) == each.terms()
        assert each.key().isascii()


RECORD: dict[str, Any] = {
    "name": "Ann",
    "age": 3,
    "flag": True,
    "tags": ["x", "y", 7],
    "none": [],
    "at": TIME,
    "identities": [{"connection": "db"}, {"connection": "google", "ids": [1, 2]}],
    "metadata": {"a": {"b": [5, None]}},
}


@pytest.mark.parametrize(
    "matching",
    [
        ALL,
        Eq("tags", "x"),
        Eq("tags", 7),
        Eq("identities.connection", "google"),
        Eq("identities.0.connection", "db"),
        Eq("identities.ids", 2),
        Eq("absent", None),
        Eq("absent.below", None),
        Eq("name.below", None),
        Eq("identities.ids", None),
        Eq("metadata.a.b", None),
        Eq("age", 3.0),
        Eq("at", TIME.replace(microsecond=5999)),
        Exists("none"),
        Exists("tags"),
        In("tags", ["z", "y"]),
        In("absent", [None]),
        Range("tags", 7, 7),
        Range("age", 2, 3),
        Range("age", 2, 3, includes_minimum=False),
        Range("at", TIME.replace(microsecond=5999)),
        Range("absent"),
        Prefix("name", "An"),
        Prefix("tags", "y"),
        Contains("name", ""),
        Or((Eq("name", "Bob"), Eq("age", 3))),
        Not(Or(())),
    ],
)
def test_filter_matches_record(matching: Filter) -> None:
    assert matching.matches(RECORD)
    assert not Not(matching).matches(RECORD)


@pytest.mark.parametrize(
    "other",
    [
        Eq("flag", 1),
        Eq("age", "3"),
        Eq("age", True),
        Eq("none", None),
        Eq("none.below", None),
        Eq("tags.below", None),
        Eq("identities.1.connection", "db"),
        Exists("absent"),
        Exists("metadata.a.b"),
        In("name", []),
        Range("age", 3, 4, includes_minimum=False),
        Range("age", 2, 3, includes_maximum=False),
        Range("name", 1),
        Range("flag", 0),
        Prefix("name", "nn"),
        Prefix("name", "an"),
        Prefix("age", ""),
        Contains("name", "N"),
        Or(()),
        And((Eq("name", "Ann"), Eq("age", 4))),
    ],
)
def test_filter_does_not_match_record(other: Filter) -> None:
    assert not other.matches(RECORD)
    assert Not(other).matches(RECORD)
