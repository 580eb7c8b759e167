"""The changes of a log event: which paths changed, from which value to which."""

import json
from copy import deepcopy
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.logs import LOG_EVENT_TYPES, MAX_CHANGES, FieldChange, LogEventType, diff, same

settings.register_profile("profile-api", deadline=None, derandomize=True)
settings.load_profile("profile-api")

# Few values and names, so that two documents often share them. Python compares some of the values as equal.
LEAVES = st.sampled_from([True, False, 0, 1, 1.0, 2**63 - 1, float(2**63), "", "1", "true"])
NAMES = st.sampled_from(["a", "b", "a-", "é"])


def _documents(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    def around(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(inside | st.none(), max_size=2) | st.dictionaries(NAMES, inside, max_size=3)

    return st.dictionaries(NAMES, st.recursive(leaves, around, max_leaves=8), max_size=3)


DOCUMENTS = _documents(LEAVES | st.none())
WITHOUT_NULLS = _documents(LEAVES)


def exactly(value: Any) -> Any:
    """Compares as JSON does: numbers by value, and no number equals a boolean."""
    if isinstance(value, dict):
        return {key: exactly(below) for key, below in value.items()}
    if isinstance(value, list):
        return [exactly(each) for each in value]
    return isinstance(value, bool), value


# ---------------------------------------------------------------- same


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (True, 1, False),
        (False, 0, False),
        (True, 1.0, False),
        (True, True, True),
        (1, 1.0, True),
        (2**53 + 1, float(2**53), False),
        (0.0, -0.0, True),
        ("1", 1, False),
        ("", None, False),
        (None, None, True),
        (None, False, False),
        (None, 0, False),
        ("é", "e\u0301", False),
        ({}, [], False),
        ({}, None, False),
        ([], None, False),
        ([], "", False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": None}, {}, False),
        ([1, 2], [2, 1], False),
        ([1], [1, 1], False),
        ([True], [1], False),
        ([[{"a": [False]}]], [[{"a": [0]}]], False),
        ([[{"a": [0.0]}]], [[{"a": [0]}]], True),
        ([1, [2]], (1, (2,)), True),
    ],
)
def test_values_are_compared_as_json(one: Any, other: Any, expected: bool) -> None:
    assert same(one, other) is expected
    assert same(other, one) is expected


@given(DOCUMENTS, DOCUMENTS)
def test_documents_are_compared_as_json(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert same(one, other) == (exactly(one) == exactly(other))
    assert same(one, deepcopy(one))


# ---------------------------------------------------------------- diff

AT = datetime(2026, 1, 31, 12, 0, 0, 5000)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}, []),
        ({"a": 1}, {"a": 2}, [("a", 1, 2)]),
        ({"a": 1}, {"a": True}, [("a", 1, True)]),
        ({"a": False}, {"a": 0}, [("a", False, 0)]),
        ({}, {"a": 1}, [("a", None, 1)]),
        ({"a": 1}, {}, [("a", 1, None)]),
        ({"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"c": 3, "d": 2}}}, [("a.b.c", 1, 3)]),
        ({"a": {"b": 1}}, {"a": {"c": 1}}, [("a.b", 1, None), ("a.c", None, 1)]),
        ({}, {"a": {"b": {"c": 1}}}, [("a.b.c", None, 1)]),
        ({"a": {"b": {"c": 1}}}, {}, [("a.b.c", 1, None)]),
        ({"b": 1, "a": 1, "c": 1}, {"c": 2, "b": 2, "a": 2}, [("a", 1, 2), ("b", 1, 2), ("c", 1, 2)]),
        # An array is one value.
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, [("a", [1, {"b": 2}], [1, {"b": 3}])]),
        ({"a": [1]}, {"a": []}, [("a", [1], [])]),
        # An empty object is a value: it differs from absence and from other values.
        ({}, {"a": {}}, [("a", None, {})]),
        ({"a": {}}, {}, [("a", {}, None)]),
        ({}, {"a": {"b": {}}}, [("a.b", None, {})]),
        ({"a": {}}, {"a": 1}, [("a", {}, 1)]),
        ({"a": 1}, {"a": {}}, [("a", 1, {})]),
        ({"a": {}}, {"a": {"b": 1}}, [("a.b", None, 1)]),
        ({"a": []}, {"a": {}}, [("a", [], {})]),
        # An object replaces a value, and a value replaces an object.
        ({"a": 1}, {"a": {"b": 2}}, [("a.b", None, 2), ("a", 1, None)]),
        ({"a": {"b": 2}}, {"a": 1}, [("a.b", 2, None), ("a", None, 1)]),
        ({"a": [1]}, {"a": {"b": 2}}, [("a.b", None, 2), ("a", [1], None)]),
        # Times at the top level, as in root attributes, are recorded as text.
        ({"at": AT}, {}, [("at", "2026-01-31T12:00:00.005Z", None)]),
    ],
)
def test_changes_are_the_values_that_differ(
    before: dict[str, Any], after: dict[str, Any], changes: list[tuple[str, Any, Any]]
) -> None:
    found = diff(before, after)
    assert [exactly([each.path, each.before, each.after]) for each in found] == [
        exactly(list(each)) for each in changes
    ]
    backward = {(each.path, json.dumps(each.after), json.dumps(each.before)) for each in found}
    assert backward == {(each.path, json.dumps(each.before), json.dumps(each.after)) for each in diff(after, before)}


def applied(document: dict[str, Any], changes: tuple[FieldChange, ...]) -> dict[str, Any]:
    """Applies changes to a document: first the removals, then the additions."""
    result = deepcopy(document)
    for change in sorted(changes, key=lambda each: each.after is not None):
        *above, name = change.path.split(".")
        inside = result
        for key in above:
            # A value in the place of a new object is removed by its own change.
            if not isinstance(inside.get(key), dict):
                inside[key] = {}
            inside = inside[key]
        if change.after is None:
            inside.pop(name, None)
        else:
            inside[name] = change.after
    return result


def without_emptied(document: dict[str, Any], before: Any) -> dict[str, Any]:
    """Removes objects that had content before and are empty now."""
    before = before if isinstance(before, dict) else {}
    kept = {}
    for key, value in document.items():
        inside = without_emptied(value, before.get(key)) if isinstance(value, dict) else value
        had_something = isinstance(before.get(key), dict) and before[key]
        if not (inside == {} and had_something):
            kept[key] = inside
    return kept


@given(WITHOUT_NULLS, WITHOUT_NULLS)
def test_changes_turn_the_old_document_into_the_new(before: dict[str, Any], after: dict[str, Any]) -> None:
    result = applied(before, diff(before, after))
    # Emptying an object and removing it have the same changes: see the next test.
    assert exactly(without_emptied(result, before)) == exactly(without_emptied(after, before))


def test_emptied_object_differs_from_a_removed_one() -> None:
    before = {"m": {"a": {"b": 1}}}
    assert diff(before, {"m": {}}) == (FieldChange("m.a.b", 1),)
    assert diff(before, {"m": {"a": {}}}) == (FieldChange("m.a.b", 1), FieldChange("m.a", None, {}))
    assert diff({"m": {"a": {}}}, before) == (FieldChange("m.a.b", None, 1), FieldChange("m.a", {}))


@given(DOCUMENTS, DOCUMENTS)
def test_no_changes_means_equal_documents(before: dict[str, Any], after: dict[str, Any]) -> None:
    kept = deepcopy((before, after))
    assert (diff(before, after) == ()) == same(before, after)
    assert diff(before, deepcopy(before)) == ()
    assert exactly(list(kept)) == exactly([before, after])


def test_event_has_at_most_a_thousand_changes() -> None:
    after = {f"k{number:05}": {"x": number} for number in range(MAX_CHANGES + 500)}
    changes = diff({}, after)
    assert MAX_CHANGES == 1000
    assert [each.path for each in changes] == [f"k{number:05}.x" for number in range(1000)]
    assert len(diff({}, dict(list(after.items())[:999]))) == 999


# ---------------------------------------------------------------- types


def test_every_event_type_has_a_code_and_a_description() -> None:
    assert set(LOG_EVENT_TYPES) == set(LogEventType)
    for name, each in LOG_EVENT_TYPES.items():
        assert name.value == name.name
        assert each.code
        assert each.description
