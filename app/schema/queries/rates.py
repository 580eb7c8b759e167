"""The query `rateLimit`."""

from datetime import timedelta

import strawberry

from app.domain.times import now
from app.policy.rules import authenticated
from app.schema.context import Info
from app.schema.scalars import DateTime


@strawberry.type(description="What this caller may do in the running window of time.")
class RateLimit:
    limit: int = strawberry.field(description="Units in a window; an operation takes one for each 100 of its cost.")
    cost: int = strawberry.field(description="Units that this operation took.")
    remaining: int = strawberry.field(description="Units left.")
    reset_at: DateTime = strawberry.field(description="When the window ends.")


@strawberry.type
class RateQueries:
    @strawberry.field(description="What this caller has left; null where there is no limit.")
    def rate_limit(self, info: Info) -> RateLimit | None:
        authenticated(info.context.principal)
        rate = info.context.rate
        if rate is None:
            return None
        reset_at = DateTime(now() + timedelta(seconds=rate.ends_in))
        return RateLimit(limit=rate.limit, cost=rate.cost, remaining=rate.remaining, reset_at=reset_at)
