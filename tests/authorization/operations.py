"""What a caller asks for, and what comes back. Nothing of `app` is imported here."""

from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Operation:
    """`name` is the GraphQL field. `user` is a handle, "nobody" for a user who does not exist, None to leave it out.

    `marker` is the new value that it writes, `reason` and `user_agent` are unique too.
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
    """`data` None: nothing ran. `errors` are (path, code); the path of an error of the whole request is ()."""

    data: dict[str, Any] | None = None
    errors: list[tuple[Path, str]] = field(default_factory=list)


class Denied(Exception):  # noqa: N818
    """The whole field is null, with this code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Declined(Exception):  # noqa: N818
    """An error of the payload. `shows`: with the profile as it is."""

    def __init__(self, code: str, shows: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.shows = shows
