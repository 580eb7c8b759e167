"""A commit as a value: profiles before and after, events, and the side effects that are written with them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domain.errors import Refused
from app.domain.logs import FieldChange, LogEvent, LogEventType
from app.domain.users import UNCOUNTED, User


class SideEffect:
    """Something that is written together with a profile. Each kind is a frozen dataclass beside its noun."""

    __slots__ = ()

    def refusal(self) -> Refused:
        """What the caller is told when this cannot be written: it is gone, in use, or one too many."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Changes:
    """What a decision comes to: the new value of each top-level field, by its name in `User`.

    A field whose value stays the same is no change. `type` is the type of the event. `audit` replaces the changes that
    the event lists; without it, they are computed from `fields`. `details` are those of the event. `by_user` says that
    the user did it, and that the caller only reports it.
    """

    type: LogEventType
    fields: Mapping[str, Any]
    side_effects: tuple[SideEffect, ...] = ()
    audit: tuple[FieldChange, ...] | None = None
    details: Mapping[str, Any] | None = None
    by_user: bool = False

    @property
    def moves_version(self) -> bool:
        """Whether it is a change that the version counts."""
        return not self.fields.keys() <= UNCOUNTED


@dataclass(frozen=True, slots=True)
class ProfileWrite:
    """One profile before and after. Without `before` it is created. Without `after` it is deleted.

    The write is valid only while the stored profile has the version of `before`. `increments` are added to counters,
    and a field in `maximum` keeps the larger value, so that writes at the same time all count. A deletion takes the
    linked profiles and everything else of the user with it. With `erase`, it also removes the person from history.
    """

    before: User | None
    after: User | None
    increments: Mapping[str, int] = field(default_factory=dict)
    maximum: Collection[str] = ()
    erase: bool = False


@dataclass(frozen=True, slots=True)
class Commit:
    """Written as a whole or not at all: the profiles in their order, then the events, then the side effects.

    Side effects belong to the user of the last profile.
    """

    profiles: tuple[ProfileWrite, ...]
    events: tuple[LogEvent, ...] = ()
    side_effects: tuple[SideEffect, ...] = ()
