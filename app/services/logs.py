"""Lists of log events."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from app.domain.attributes.logs import LOG_EVENT
from app.domain.logs import LogEventType
from app.domain.paging import Order
from app.services.reads import Listing

NEWEST_FIRST = Order("date", -1)


def listing(
    since: datetime | None, until: datetime | None, types: Iterable[LogEventType] | None, key: tuple[Any, ...]
) -> Listing:
    """Events from `since` up to but not including `until`, newest first. `key`: what the client gave."""
    where: dict[str, Any] = {}
    bounds = {"$gte": since, "$lt": until}
    if since or until:
        where["date"] = {operator: time for operator, time in bounds.items() if time}
    if types is not None:
        where["type"] = {"$in": [str(each) for each in types]}
    return Listing(LOG_EVENT, where, NEWEST_FIRST, key)
