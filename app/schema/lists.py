"""Lists without pages. The argument `first` limits them."""

from collections.abc import Iterable
from itertools import islice
from typing import Annotated, TypeVar

import strawberry

from app.domain.errors import ErrorCode, Refused

T = TypeVar("T")

# The longest of these lists has 1,000 items: the permissions of a role, and the changes of an event.
MAX_FIRST = 1_000
FirstOf = Annotated[
    int | None,
    strawberry.argument(
        description=f"The number of items, from the beginning of the list: 1 to {MAX_FIRST:,}. The default is all"
        f" items. If they do not fit into the answer, the list is null with COST_EXCEEDED."
    ),
]


def check_first(first: int | None) -> None:
    """Raises Refused with INVALID_INPUT for a number outside 1 to MAX_FIRST."""
    if first is not None and not 1 <= first <= MAX_FIRST:
        raise Refused(ErrorCode.INVALID_INPUT, f"first must be 1 to {MAX_FIRST}, not {first}.", ("first",))


def head(items: Iterable[T] | None, first: int | None) -> list[T] | None:
    """Returns the first items, or all of them. Raises Refused with INVALID_INPUT as `check_first` does."""
    # Also without items, so that a wrong argument is an error for every object, not only for some.
    check_first(first)
    return None if items is None else list(islice(items, first))
