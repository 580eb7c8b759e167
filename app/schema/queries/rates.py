"""The query `rateLimit`."""

from datetime import timedelta

import strawberry

from app.domain.times import now
from app.policy.rules import authenticated
from app.schema.context import Info
from app.schema.scalars import DateTime


@strawberry.type(
    description="The rate limit of the caller. It is counted in units per time window. An operation uses 1 unit for"
    " each 100 of its cost, rounded up."
)
class RateLimit:
    limit: int = strawberry.field(description="The number of units in a time window.")
    cost: int = strawberry.field(description="The number of units that this operation used.")
    remaining: int = strawberry.field(description="The number of units that are left in this time window.")
    reset_at: DateTime = strawberry.field(description="When the time window ends and all units are available again.")


@strawberry.type
class RateQueries:
    @strawberry.field(description="The rate limit of the caller, and what is left of it. null: there is no limit.")
    def rate_limit(self, info: Info) -> RateLimit | None:
        # Without a token, the limit belongs to a network that others share. Its state would tell about them.
        authenticated(info.context.principal)
        rate = info.context.rate
        if rate is None:
            return None
        reset_at = DateTime(now() + timedelta(seconds=rate.ends_in))
        return RateLimit(limit=rate.limit, cost=rate.cost, remaining=rate.remaining, reset_at=reset_at)
