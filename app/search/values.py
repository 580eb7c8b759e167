"""Reads the values that a caller types in a query: numbers, times, relative times, and texts with wildcards."""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.times import RelativeTime, now, parse_time

_NUMBER = re.compile(r"[+-]?(\d{1,300}(\.\d{1,300})?|\.\d{1,300})([eE][+-]?\d{1,3})?", re.ASCII)
_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ](\d{2})(?::(\d{2})(?::(\d{2}))?)?)?)?)?(Z)?", re.ASCII)
_RELATIVE = re.compile(r"now(?:([+-])(\d{1,6})([smhdwMy]))?", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


@dataclass(frozen=True, slots=True)
class Period:
    """The time that a text means, from `start` to before `end`: `2026-01` is a month, a full time is a millisecond."""

    start: datetime
    end: datetime


def parse_number(text: str) -> int | float | None:
    """Returns None for a text that is not a finite decimal number."""
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return int(text)
    except ValueError:
        value = float(text)
        return value if abs(value) != float("inf") else None


def parse_period(text: str) -> Period | None:
    """Reads a year, month, day, hour, minute or second, an RFC 3339 time, or a time relative to now. Times without an
    offset are UTC. Returns None for any other text.
    """
    if relative := _RELATIVE.fullmatch(text):
        return _relative_period(text, relative)
    if partial := _PARTIAL.fullmatch(text):
        return _partial_period([int(each) for each in partial.groups()[:6] if each is not None])
    try:
        start = parse_time(text)
        return Period(start, start + timedelta(milliseconds=1))
    except (ValueError, OverflowError):
        return None


def _relative_period(text: str, match: re.Match[str]) -> Period | None:
    sign, count, unit = match.groups()
    try:
        moved = now() if count is None else _move(now(), int(sign + count), unit)
        start = RelativeTime.of(moved, text)
        return Period(start, start)
    except (OverflowError, ValueError):
        return None


def _move(time: datetime, count: int, unit: str) -> datetime:
    if unit in _SECONDS:
        return time + timedelta(seconds=count * _SECONDS[unit])
    months = time.year * 12 + time.month - 1 + count * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    # 31 January less one month is the last day of the shorter month.
    day = min(time.day, calendar.monthrange(year, month + 1)[1])
    return time.replace(year=year, month=month + 1, day=day)


def _partial_period(parts: list[int]) -> Period | None:
    try:
        start = datetime(*[*parts, 1, 1][: max(len(parts), 3)])  # type: ignore[arg-type]  # noqa: DTZ001
    except (ValueError, OverflowError):
        return None
    try:
        return Period(start, _end_of(start, len(parts)))
    except (ValueError, OverflowError):
        # The last year that datetime knows.
        return Period(start, datetime.max)  # noqa: DTZ901 - times are stored without tzinfo


def _end_of(start: datetime, parts: int) -> datetime:
    match parts:
        case 1:
            return _move(start, 1, "y")
        case 2:
            return _move(start, 1, "M")
        case _:
            return _move(start, 1, "dhms"[parts - 3])


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text with wildcards: the literal parts between the `*`, in order. One part means that there is no wildcard."""

    parts: tuple[str, ...]

    @property
    def is_literal(self) -> bool:
        return len(self.parts) == 1

    @property
    def text(self) -> str:
        """The literal text. Only for a pattern without a wildcard."""
        (text,) = self.parts
        return text

    @property
    def is_any(self) -> bool:
        """Whether the pattern is `*` alone."""
        return not self.is_literal and not any(self.parts)


class UnsupportedWildcardError(ValueError):
    """The text has an unescaped `?`, which would match one letter and is not supported."""


def parse_pattern(text: str) -> Pattern:
    """Reads a word of the query: `*` is a wildcard, and a backslash makes the next character literal.

    Raises UnsupportedWildcardError when the word has an unescaped `?`.
    """
    parts = [""]
    for character, is_escaped in _characters(text):
        if character == "*" and not is_escaped:
            if len(parts) == 1 or parts[-1]:
                parts.append("")
        elif character == "?" and not is_escaped:
            raise UnsupportedWildcardError
        else:
            parts[-1] += character
    return Pattern(tuple(parts))


def unescape(text: str) -> str:
    """The text without the backslashes that make the next character literal."""
    return "".join(character for character, _ in _characters(text))


def _characters(text: str) -> Iterator[tuple[str, bool]]:
    """Each character with whether a backslash stands before it."""
    characters = iter(text)
    for each in characters:
        if each == "\\":
            yield next(characters, "\\"), True
        else:
            yield each, False
