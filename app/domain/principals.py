"""The caller of a request: tenant, subject, kind, scopes and, for a user, the profile."""

from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.ids import Key
from app.domain.users import User

# How far an issuer's clock may differ from ours.
LEEWAY_SECONDS = 10


class ActorKind(StrEnum):
    """What a token, or an event's author, speaks for."""

    USER = "USER"
    APPLICATION = "APPLICATION"
    SYSTEM = "SYSTEM"


class LoadedProfile:
    """The caller's own profile as it was when the request began. One write may start from it.

    Whatever looks the caller up or writes takes it, so that no later write starts from an outdated profile.
    """

    __slots__ = ("_user",)

    def __init__(self, user: User) -> None:
        self._user: User | None = user

    def take(self) -> User | None:
        """The profile, once."""
        user, self._user = self._user, None
        return user


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified token, in our words.

    `connection` is set where the issuer's `sub` is that connection's id of the user rather than a `user_id`.
    `auth_time` and `issued_at` are seconds since 1970 (OpenID Connect), None where the token has none. `linked` are the
    `_id`s of profiles that are linked to the caller's. `profile` is the `_id` of the caller's own user document,
    None for an application and for a user who has no profile; `user_id` and `name` are those of that profile. `ip` and
    `user_agent` are where the request came from. `loaded` is the caller's own profile, where a write may start from it.
    """

    tenant: str
    subject: str
    kind: ActorKind
    scopes: frozenset[str]
    client_id: str | None = None
    connection: str | None = None
    auth_time: float | None = None
    issuer: str | None = None
    issued_at: float | None = None
    profile: Key | None = None
    linked: tuple[Key, ...] = ()
    user_id: str | None = None
    name: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    loaded: LoadedProfile | None = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> str:
        """Tells callers apart where they are counted or take turns."""
        return f"{self.tenant}/{self.connection}/{self.subject}"

    def is_self(self, user: object) -> bool:
        """Whether this user document's `_id` is the caller's own: profiles are compared, not strings."""
        if self.kind is not ActorKind.USER or self.profile is None:
            return False
        return self.profile == user or user in self.linked

    def take_loaded(self) -> User | None:
        """The caller's own profile as it was when the request began: for the first write of the request only."""
        return None if self.loaded is None else self.loaded.take()

    def own(self) -> list[Key]:
        """The `_id`s of the caller's profile and of those linked to it."""
        return [] if self.profile is None else [self.profile, *self.linked]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a request comes from that brings no token."""

    ip: str | None = None
    user_agent: str | None = None

    @property
    def key(self) -> str:
        """As `Principal.key`."""
        return f"ip/{self.ip}"


def as_themselves(user: User, source: Source) -> Principal:
    """The user, acting without a token: by a ticket, or by signing up."""
    return Principal(
        tenant=user.tenant,
        subject=user.user_id,
        kind=ActorKind.USER,
        scopes=frozenset(),
        profile=user.id,
        name=user.name,
        ip=source.ip,
        user_agent=source.user_agent,
    )
