"""Times: stored as UTC with milliseconds, written and read as RFC 3339 text."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.times import format_time, now, parse_time, to_milliseconds

settings.register_profile("profile-api", deadline=None, derandomize=True)
settings.load_profile("profile-api")

TIMES = st.datetimes()
# One day inside the limits, so that no offset leads out of range.
INNER = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))
OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(TIMES)
def test_time_is_read_back_to_the_millisecond(time: datetime) -> None:
    text = format_time(time)
    assert len(text) == len("2026-01-31T12:00:00.000Z")
    assert parse_time(text) == to_milliseconds(time)
    assert format_time(parse_time(text)) == text


@given(TIMES)
def test_fractions_of_a_millisecond_are_cut(time: datetime) -> None:
    cut = to_milliseconds(time)
    assert timedelta(0) <= time - cut < timedelta(milliseconds=1)
    assert cut.microsecond % 1000 == 0


@given(INNER, OFFSETS)
def test_offset_is_converted_to_utc(time: datetime, offset: timezone) -> None:
    text = time.replace(tzinfo=offset).isoformat()
    assert parse_time(text) == to_milliseconds(time - offset.utcoffset(None))
    assert parse_time(text).tzinfo is None


@given(TIMES, TIMES)
def test_texts_sort_as_their_times(one: datetime, other: datetime) -> None:
    one, other = to_milliseconds(one), to_milliseconds(other)
    assert (format_time(one) < format_time(other)) == (one < other)


@pytest.mark.parametrize(
    ("text", "formatted"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000Z"),
        ("2026-01-31t12:00:00z", "2026-01-31T12:00:00.000Z"),
        ("2026-01-31T12:00:00.5Z", "2026-01-31T12:00:00.500Z"),
        ("2026-01-31T12:00:00.05Z", "2026-01-31T12:00:00.050Z"),
        ("2026-01-31T12:00:00.1239Z", "2026-01-31T12:00:00.123Z"),
        ("2026-01-31T12:00:00.999999999Z", "2026-01-31T12:00:00.999Z"),
        ("2026-01-31T12:00:00-00:00", "2026-01-31T12:00:00.000Z"),
        ("2026-01-31T00:30:00+02:00", "2026-01-30T22:30:00.000Z"),
        ("2026-12-31T23:30:00.25-01:00", "2027-01-01T00:30:00.250Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ],
)
def test_rfc_3339_text_is_read(text: str, formatted: str) -> None:
    assert format_time(parse_time(text)) == formatted


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2026", "2026-01-31", "2026-01-31T12:00Z", "2026-01-31T12Z", "20260131T120000Z"),
        # No offset and no Z: the time zone is unknown.
        *("2026-01-31T12:00:00", "2026-01-31T12:00:00.000"),
        *("2026-01-31 12:00:00Z", " 2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z ", "2026-01-31T12:00:00Z\n"),
        *("2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z"),
        *("2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "0000-01-01T00:00:00Z", "-001-01-01T00:00:00Z"),
        *("2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2026-01-31T12:00:60Z", "2026-01-31T12:00:61Z"),
        *("2026-01-31T12:00:00.Z", "2026-01-31T12:00:00,5Z", "2026-01-31T12:00:00.1234567890Z"),
        *("2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00+02:60", "2026-01-31T12:00:00+0200"),
        *("2026-01-31T12:00:00+02", "2026-01-31T12:00:00+02:00:00", "2026-01-31T12:00:00ZZ"),
        *("2026-W05-6T12:00:00Z", "12026-01-31T12:00:00Z", "٢٠٢٦-01-31T12:00:00Z", "2026-01-31T12:00:0０Z"),
        # Valid text for times that cannot be stored.
        *("9999-12-31T23:59:59-00:01", "0001-01-01T00:00:00+00:01"),
        *(None, 0, 1769860800, 1.5, True, b"2026-01-31T12:00:00Z", datetime(2026, 1, 31), [], {}),
    ],
)
def test_other_text_is_no_time(text: object) -> None:
    with pytest.raises(ValueError, match=r"time|range|must be in"):
        parse_time(text)


@given(st.text(st.sampled_from("0129-:.TtZz+ "), max_size=30) | st.text(max_size=30))
def test_random_text_is_a_value_error(text: str) -> None:
    with suppress(ValueError):
        parse_time(text)


def test_now_has_no_fraction_of_a_millisecond() -> None:
    before = to_milliseconds(datetime.now(UTC).replace(tzinfo=None))
    time = now()
    after = datetime.now(UTC).replace(tzinfo=None)
    assert before <= time <= after
    assert time == to_milliseconds(time)
    assert time.tzinfo is None
