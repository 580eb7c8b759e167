"""The budget of an answer: limits what lists and JSON documents add to it beyond the cost that was calculated."""

from dataclasses import dataclass
from typing import Any

import orjson

from app.domain.sizes import size_of
from app.engine.errors import exceeded


@dataclass(slots=True)
class Budget:
    """The rest of `Limits.values` and `Limits.answer`. A field that does not fit raises GraphQLError: COST_EXCEEDED."""

    # The cost is calculated before the operation runs, when the real lengths of lists are not known. Counting while the
    # answer is built keeps the memory of one answer bounded, too.

    values: int
    answer: int

    def take_items(self, name: str, more: int, each: int) -> None:
        """Takes `more` items of `each` values: the items of the list `name` beyond those that its cost included."""
        values = more * each
        if values > self.values:
            message = f"The answer would be too large: {name} has more items than its cost included."
            raise exceeded(f"{message} Ask for fewer of its parent objects, or limit the list with `first`.")
        self.values -= values

    def take_json(self, value: Any) -> None:
        """Takes the bytes of a JSON document."""
        size = _json_size(value)
        if size > self.answer:
            raise exceeded("The JSON documents of the answer would be too large. Ask for fewer of them at once.")
        self.answer -= size


def _json_size(value: Any) -> int:
    """Returns nearly the same number as `size_of`, but fast enough for every JSON value of every answer."""
    if isinstance(value, str):
        return len(value)
    if not isinstance(value, dict | list):
        return 1
    try:
        return len(orjson.dumps(value))
    except TypeError:
        # orjson refuses lone surrogates and integers beyond 64 bits. Raw profiles of providers can contain both,
        # because they are stored as text.
        return size_of(value)
