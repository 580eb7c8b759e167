"""Times: UTC in milliseconds, without tzinfo, in this service and the database; RFC 3339 for clients."""

import re
from datetime import UTC, datetime

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - times have no tzinfo
_RFC_3339 = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)


class RelativeTime(datetime):
    """A time that was written relative to now, such as `now-90d`.

    A cursor identifies its list by `text`, because the time itself is another one at each request.
    """

    text: str

    @classmethod
    def of(cls, time: datetime, text: str) -> "RelativeTime":
        """The time with the text that it was written as."""
        found = cls(*time.timetuple()[:6], time.microsecond)
        found.text = text
        return found


def now() -> datetime:
    """Returns the present time in UTC, in milliseconds."""
    # BSON stores milliseconds. A finer time would differ from itself after it was stored and read.
    return to_milliseconds(datetime.now(UTC).replace(tzinfo=None))


def to_milliseconds(time: datetime) -> datetime:
    """Returns the time cut to milliseconds."""
    # Cut, not rounded: a rounded time could be in the future.
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def format_time(time: datetime) -> str:
    """Returns the time as RFC 3339 in UTC: 2026-01-31T12:00:00.000Z."""
    return time.isoformat(timespec="milliseconds") + "Z"


def parse_time(text: object) -> datetime:
    """Reads an RFC 3339 time with any offset, and cuts it to milliseconds. Raises ValueError for any other value."""
    if not isinstance(text, str) or not _RFC_3339.fullmatch(text):
        raise ValueError("A time must have the format of RFC 3339, such as 2026-01-31T12:00:00.000Z.")
    head, fraction, rest = re.fullmatch(r"([^.]{19})(\.\d+)?(.*)", text).groups()  # type: ignore[union-attr]
    time = datetime.fromisoformat(head.upper() + (fraction or "")[:7] + rest.upper())
    try:
        return to_milliseconds(time.astimezone(UTC).replace(tzinfo=None))
    except OverflowError:
        raise ValueError("The time is out of range.") from None
