"""Who is calling."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ActorKind(StrEnum):
    """What a token, or an event's author, speaks for."""

    USER = "USER"
    APPLICATION = "APPLICATION"
    SYSTEM = "SYSTEM"


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified token, in our words.

    `connection` is set where the issuer's `sub` is that connection's id of the user rather than a `user_id`.
    `auth_time` is seconds since 1970 (OpenID Connect). `profile` is the `_id` of the caller's own user document,
    None for an application and for a user who has no profile. `ip` and `user_agent` are where the request came from.
    """

    tenant: str
    subject: str
    kind: ActorKind
    scopes: frozenset[str]
    client_id: str | None = None
    connection: str | None = None
    auth_time: int | None = None
    profile: Any = None
    name: str | None = None
    ip: str | None = None
    user_agent: str | None = None

    def is_self(self, user: object) -> bool:
        """Whether this user document's `_id` is the caller's own: profiles are compared, not strings."""
        return self.kind is ActorKind.USER and self.profile is not None and self.profile == user
