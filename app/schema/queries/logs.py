"""The query `logEvents`."""

from typing import cast

import strawberry

from app.domain.rules import READ_LOGS
from app.schema.authorized import authorized
from app.schema.context import Info
from app.schema.pages import After, Before, Connection, First, Last, page
from app.schema.types.logs import LogEventObject, Since, Until
from app.services.logs import log_events


@strawberry.type
class LogQueries:
    @strawberry.field(
        description="The history of the whole tenant, newest event first. Changes of values that the caller may not"
        " read are left out, and so are events that contain only such changes.",
        directives=[authorized(READ_LOGS)],
    )
    async def log_events(
        self,
        info: Info,
        since: Since = None,
        until: Until = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[LogEventObject] | None:
        # Without a default period, unlike `User.logEvents`: who lists the history of a tenant wants to page through it.
        return cast(
            "Connection[LogEventObject]", await page(info, log_events(since, until), first, after, last, before)
        )
