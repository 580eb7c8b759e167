"""What fields and arguments cost, and as how many items a list counts."""

from typing import Any

import strawberry

from app.directives import CostWeight, ListSize

# Hashing a password takes about a tenth of a second of a processor: five units of a rate limit.
HASHING = 500
# The database goes through up to 10,000 keys.
COUNTING = 50
# A personal data export reads everything that there is about a user, and thousands of events.
EXPORTING = 1_000
# A JSON document may hold 64 KB, the whole profile much more.
JSON_DOCUMENT, WHOLE_PROFILE = 5, 50


def holds(assumed_size: int) -> Any:
    """A field without a resolver that is a list, and as how many items it counts."""
    return strawberry.field(directives=[ListSize(assumed_size=assumed_size)])


def weighs(weight: int) -> Any:
    """A field without a resolver, and what it costs."""
    return strawberry.field(directives=[CostWeight(weight=weight)])
