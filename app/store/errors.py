"""The reasons why a write failed. Its transaction was aborted. The services turn these into errors of the API."""

from app.domain.commits import SideEffect


class StoreError(Exception):
    """Base class. `side_effect` is the side effect that failed, or None when a profile or another object failed."""

    def __init__(self, side_effect: SideEffect | None = None) -> None:
        super().__init__()
        self.side_effect = side_effect


class Conflict(StoreError):  # noqa: N818
    """Another writer committed first. The caller may read and try again, except after a failed side effect."""


class Taken(StoreError):  # noqa: N818
    """Another object has the same unique key, or the object to delete is still in use."""


class Full(StoreError):  # noqa: N818
    """The maximum number of such objects is reached."""


class Gone(StoreError):  # noqa: N818
    """An object that the write needs no longer exists."""
