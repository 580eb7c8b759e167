"""Times are UTC to the millisecond, without tzinfo as the driver gives them; RFC 3339 outside."""

import re
from datetime import UTC, datetime

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - times are kept without tzinfo
_RFC_3339 = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)


def now() -> datetime:
    """The time, as it can be stored: milliseconds are all that BSON keeps."""
    return to_milliseconds(datetime.now(UTC).replace(tzinfo=None))


def to_milliseconds(time: datetime) -> datetime:
    """Cut, not rounded."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def format_time(time: datetime) -> str:
    """RFC 3339, UTC, milliseconds, Z."""
    return time.isoformat(timespec="milliseconds") + "Z"


def parse_time(text: object) -> datetime:
    """Reads RFC 3339 with any offset; what is finer than a millisecond is cut. ValueError for anything else."""
    if not isinstance(text, str) or not _RFC_3339.fullmatch(text):
        raise ValueError("A time is written as RFC 3339 has it: 2026-01-31T12:00:00.000Z.")
    head, fraction, rest = re.fullmatch(r"([^.]{19})(\.\d+)?(.*)", text).groups()  # type: ignore[union-attr]
    time = datetime.fromisoformat(head.upper() + (fraction or "")[:7] + rest.upper())
    try:
        return to_milliseconds(time.astimezone(UTC).replace(tzinfo=None))
    except OverflowError:
        raise ValueError("That time is out of range.") from None
