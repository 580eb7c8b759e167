"""The weights that several fields and arguments share, and helpers that declare costs and list sizes of plain fields.

The cost of one mutation stands in its own module in `mutations`. The default for all mutations is in `directives.py`.
"""

from typing import Any

import strawberry

from app.directives import CostWeight, ListSize

# Hashing a password uses a CPU core for about 0.1 seconds. 500 is 5 units of a rate limit.
HASHING = 500
# A count makes the database read up to 10,000 keys of an index.
COUNTING = 50
# A search counts the matches of its conditions before it reads a page.
SEARCHING = 10
# An export of personal data reads the whole profile, all lists of the user, and thousands of events.
EXPORTING = 1_000
# A metadata document can have 64 KB. The whole profile contains two of them, and up to 16 raw profiles.
JSON_DOCUMENT, WHOLE_PROFILE = 5, 50


def list_field(assumed_size: int, description: str | None = None) -> Any:
    """Declares a list field without a resolver that counts as `assumed_size` items."""
    return strawberry.field(description=description, directives=[ListSize(assumed_size=assumed_size)])


def costly_field(weight: int, description: str | None = None) -> Any:
    """Declares a field without a resolver that costs `weight`."""
    return strawberry.field(description=description, directives=[CostWeight(weight=weight)])
