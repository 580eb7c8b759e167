"""Limits of the changes and details that a log event stores."""

from typing import Any

import pytest

from app.domain.ids import Key
from app.domain.logs import (
    MAX_CHANGES_BYTES,
    MAX_DETAIL_BYTES,
    MAX_DETAILS_BYTES,
    MAX_VALUE_BYTES,
    FieldChange,
    LogEvent,
    LogEventType,
    bounded,
    diff,
)
from app.domain.sizes import size_of, too_large
from app.domain.times import now

AT = now()


def event(*changes: FieldChange, details: Any = None) -> LogEvent:
    type_ = LogEventType.USER_METADATA_UPDATED
    return LogEvent(id=Key(1), tenant="t", type=type_, date=AT, recorded_at=AT, changes=changes, details=details)


def text(size: int, letter: str = "x") -> str:
    """Returns text that has `size` bytes as JSON, including its quotes."""
    return letter * ((size - 2) // len(letter.encode()))


@pytest.mark.parametrize("letter", ["x", "é", "字", "😀"])
def test_sizes_are_bytes_of_compact_utf8(letter: str) -> None:
    assert size_of({"a": [letter, 1]}) == len(f'{{"a":["{letter}",1]}}'.encode())


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("letter", ["x", "é"])
def test_value_beyond_limit_becomes_marker_with_size(side: str, letter: str) -> None:
    fits, beyond = text(MAX_VALUE_BYTES, letter), text(MAX_VALUE_BYTES + 2, letter)
    kept = bounded(event(FieldChange("user_metadata.a", **{side: fits})))
    assert getattr(kept.changes[0], side) == fits
    cut = bounded(event(FieldChange("user_metadata.a", **{side: beyond}), FieldChange("name", "old", "new")))
    assert getattr(cut.changes[0], side) == {"too_large": True, "bytes": MAX_VALUE_BYTES + 2}
    assert cut.changes[1] == FieldChange("name", "old", "new")


def test_large_array_becomes_marker() -> None:
    [change] = bounded(event(*diff({}, {"user_metadata": {"a": list(range(2_000))}}))).changes
    assert change.after == too_large(size_of(list(range(2_000))))


def test_changes_of_one_event_have_a_total_limit() -> None:
    values = {f"k{number:03}": text(3_000) for number in range(100)}
    small = {f"k{number:03}": 1 for number in range(100)}
    changes = diff({"app_metadata": small, "name": "old"}, {"app_metadata": values, "name": "new"})
    told = bounded(event(*changes)).changes
    assert size_of([[each.path, each.before, each.after] for each in told]) <= MAX_CHANGES_BYTES + 1_000
    assert FieldChange("name", "old", "new") in told
    [rest] = [each for each in told if each.path == "app_metadata"]
    left = len(changes) - len(told) + 1
    assert left > 5
    assert (rest.before, rest.after) == (too_large(left), too_large(left * 3_000))


def test_long_paths_count_towards_the_limit() -> None:
    """The values are small, but each path has almost two kilobytes."""
    deep: dict[str, Any] = {f"leaf{number}": 1 for number in range(1_000)}
    for level in range(14):
        deep = {f"{level}" * 60: deep}
    told = bounded(event(*diff({}, {"user_metadata": deep}))).changes
    assert sum(len(each.path) for each in told) <= MAX_CHANGES_BYTES
    assert told[-1].path == "user_metadata"


def test_details_have_limits() -> None:
    fits = {"clientId": "web", "before": {"name": "x"}, "after": None}
    assert bounded(event(details=fits)).details == fits
    large = text(MAX_DETAIL_BYTES + 1)
    told = bounded(event(details={"a": large, "before": {"name": "x", "permissions": [large]}})).details
    marker = {"too_large": True, "bytes": MAX_DETAIL_BYTES + 1}
    assert told == {"a": marker, "before": {"name": "x", "permissions": too_large(MAX_DETAIL_BYTES + 3)}}
    many = {str(number): text(MAX_DETAIL_BYTES) for number in range(MAX_DETAILS_BYTES // MAX_DETAIL_BYTES + 1)}
    assert bounded(event(details=many)).details == too_large(size_of(many))
    assert bounded(event()).details is None
