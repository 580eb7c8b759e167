"""Queries for lists of log events."""

from collections.abc import Iterable
from datetime import datetime

from app.domain.attributes.logs import LOG_EVENT
from app.domain.attributes.users import NEWEST_FIRST
from app.domain.filters import ALL, And, Filter, In, Range
from app.domain.logs import LogEventType
from app.domain.paging import ListQuery


def log_events(
    since: datetime | None,
    until: datetime | None,
    types: Iterable[LogEventType] | None = None,
    extra_filter: Filter = ALL,
) -> ListQuery:
    """Returns the query for events from `since` up to but not including `until`, newest first.

    `types` restricts the types of events. `besides` is another filter, which the cursors of the list do not depend on.
    """
    chosen = ALL if types is None else In("type", [str(each) for each in types])
    return ListQuery(LOG_EVENT, NEWEST_FIRST, And((in_period(since, until), chosen)), extra_filter)


def in_period(since: datetime | None, until: datetime | None = None) -> Filter:
    """Returns the filter for events from `since` up to but not including `until`. None is no limit."""
    return Range("date", since, until, includes_maximum=False)
