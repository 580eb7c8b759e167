"""Lists without pages, of which a client may ask for the first items alone."""

from collections.abc import Iterable
from itertools import islice
from typing import Annotated, TypeVar

import strawberry

from app.domain.errors import ErrorCode, Refused

T = TypeVar("T")

MAX_FIRST = 1_000
FirstOf = Annotated[
    int | None,
    strawberry.argument(
        description="How many from the front: 1 to 1,000. Without it all, as far as an answer holds them."
    ),
]


def check_first(first: int | None) -> None:
    """Refused for a number outside 1 to MAX_FIRST."""
    if first is not None and not 1 <= first <= MAX_FIRST:
        raise Refused(ErrorCode.INVALID_INPUT, f"first is 1 to {MAX_FIRST}, not {first}.", ("first",))


def head(items: Iterable[T] | None, first: int | None) -> list[T] | None:
    """The first ones, or all. Refused likewise."""
    check_first(first)
    return None if items is None else list(islice(items, first))
