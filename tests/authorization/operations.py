"""The operations of callers and their answers. This module imports nothing of `app`."""

from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Operation:
    """One GraphQL operation. `name` is its field.

    `user` is a handle, "nobody" for a user who does not exist, or None when the operation names no user. `marker` is the
    new value that the operation writes. `reason` and `user_agent` are unique, too.
    """

    name: str
    user: str | None = None
    arguments: tuple[tuple[str, Any], ...] = ()
    marker: str = ""
    reason: str = ""
    user_agent: str = ""

    def get(self, name: str) -> Any:
        return dict(self.arguments).get(name)

    def __str__(self) -> str:
        given = {name: value for name, value in self.arguments if value and name not in ("things", "updates")}
        updates = "".join(f" [{each}]" for each in self.get("updates") or ())
        return f"{self.name} user={self.user}" + "".join(f" {name}={given[name]}" for name in given) + updates


@dataclass
class Answer:
    """The answer of an operation. `data` is None when nothing ran. `errors` are pairs of path and code.

    The path of an error of the whole request is ().
    """

    data: dict[str, Any] | None = None
    errors: list[tuple[Path, str]] = field(default_factory=list)


class Denied(Exception):  # noqa: N818
    """Raised when the whole field is null, with an error of this code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Declined(Exception):  # noqa: N818
    """Raised for an error of the payload. `shows` is the handle of the profile that the error contains."""

    def __init__(self, code: str, shows: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.shows = shows
