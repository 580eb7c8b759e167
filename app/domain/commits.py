"""Objects that describe a commit: the profiles before and after a change, the log events, and the side effects."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domain.errors import Refused
from app.domain.logs import FieldChange, LogEvent, LogEventType
from app.domain.users import FIELDS_WITHOUT_VERSION, User


class SideEffect:
    """A write that belongs to the transaction of a profile, such as a new ticket. Each type is a frozen dataclass."""

    __slots__ = ()

    def refusal(self) -> Refused:
        """Returns the error for the caller when the store cannot write this side effect."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes that a use case wants in a profile. `fields` has new values of top-level fields of `User`, by name.

    If the new value of a field equals the stored value, the field does not count as changed. `type` and `details` are
    those of the log event. The event lists the changes in `audit`; when `audit` is None, they are computed from
    `fields`. `by_user` is true when the user made the change and the caller only reports it.
    """

    type: LogEventType
    fields: Mapping[str, Any]
    side_effects: tuple[SideEffect, ...] = ()
    audit: tuple[FieldChange, ...] | None = None
    details: Mapping[str, Any] | None = None
    by_user: bool = False

    @property
    def increases_version(self) -> bool:
        """Whether the changes increase the version of the profile."""
        # Side effects alone, such as a new device, must not cause a version conflict for an editor of the profile.
        return not self.fields.keys() <= FIELDS_WITHOUT_VERSION


@dataclass(frozen=True, slots=True)
class ProfileWrite:
    """The change of one profile. When `before` is None, the profile is created. When `after` is None, it is deleted.

    The write is only valid while the stored profile has the version of `before`. `increments` are added to counters,
    and a field in `maximum` gets the larger of the stored and the new value, so that concurrent logins all count. A
    deletion also deletes the linked profiles and all other data of the user, except the log events. With `erase`, it
    also removes the person from the log events.
    """

    before: User | None
    after: User | None
    increments: Mapping[str, int] = field(default_factory=dict)
    maximum: Collection[str] = ()
    erase: bool = False


@dataclass(frozen=True, slots=True)
class Commit:
    """A transaction: writes the profiles in their order, then the events, then the side effects, or nothing at all.

    The side effects belong to the user of the last profile.
    """

    profiles: tuple[ProfileWrite, ...]
    events: tuple[LogEvent, ...] = ()
    side_effects: tuple[SideEffect, ...] = ()
