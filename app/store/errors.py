"""Why a write was not made. Nothing of its transaction was kept; a service tells its caller what that means."""

from app.domain.commits import SideEffect


class StoreError(Exception):
    """`side_effect` is the one that could not be written; None when the cause is a profile or another object."""

    def __init__(self, side_effect: SideEffect | None = None) -> None:
        super().__init__()
        self.side_effect = side_effect


class Conflict(StoreError):  # noqa: N818
    """Another writer committed first. With a side effect, trying again does not help."""


class Taken(StoreError):  # noqa: N818
    """Another object has a unique key of this one, or other objects still need it."""


class Full(StoreError):  # noqa: N818
    """A bound was reached."""


class Gone(StoreError):  # noqa: N818
    """Something that the write relies on does not exist any more."""
