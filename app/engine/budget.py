"""What an answer may hold beyond what its operation was charged for: counted while it is made."""

from dataclasses import dataclass
from typing import Any

import orjson

from app.domain.sizes import size_of
from app.engine.errors import exceeded


@dataclass(slots=True)
class Budget:
    """What is left of `Limits.values` and `Limits.answer`. What does not fit any more is an error of its field."""

    values: int
    answer: int

    def take_items(self, name: str, more: int, each: int) -> None:
        """`more` items than the list counts as, of `each` values."""
        values = more * each
        if values > self.values:
            message = f"The answer would hold too much: {name} is longer than what it counts as. Ask for fewer of what"
            raise exceeded(f"{message} has it, or say with `first` how many, where it takes that.")
        self.values -= values

    def take_json(self, value: Any) -> None:
        size = _size(value)
        if size > self.answer:
            raise exceeded("The answer would hold too many bytes of JSON documents. Ask for fewer of them at once.")
        self.answer -= size


def _size(value: Any) -> int:
    """As `size_of`, nearly, but fast enough for every JSON value of every answer."""
    if isinstance(value, str):
        return len(value)
    if not isinstance(value, dict | list):
        return 1
    try:
        return len(orjson.dumps(value))
    except TypeError:
        # A lone surrogate, or an integer beyond 64 bits.
        return size_of(value)
