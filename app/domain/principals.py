"""The caller of a request: its tenant, subject, kind and scopes, and the profile if it is a user."""

from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.ids import Key
from app.domain.users import User

# How much the clock of an issuer may differ from the clock of this service.
LEEWAY_SECONDS = 10


class ActorKind(StrEnum):
    """The kind of a caller, or of the author of a log event."""

    USER = "USER"
    APPLICATION = "APPLICATION"
    SYSTEM = "SYSTEM"


class LoadedProfile:
    """The caller's own profile as it was at the beginning of the request. Only the first write may start from it.

    A lookup of the caller and a write take it away, so that no later write starts from an outdated profile.
    """

    # A second write of the same request would otherwise start from the state before the first one.
    __slots__ = ("_user",)

    def __init__(self, user: User) -> None:
        self._user: User | None = user

    def take(self) -> User | None:
        """Returns the profile at the first call, and None afterwards."""
        user, self._user = self._user, None
        return user


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller, as the verified token and the stored profile describe it.

    `subject` is the claim `sub`: a user id, or the user's id in `connection` if that is not None. `auth_time` and
    `issued_at` are seconds since 1970 as in OpenID Connect, or None if the token does not have them. `profile` is the
    `_id` of the caller's own profile; it is None for an application, and for a user without a profile. `user_id` and
    `name` are those of the profile, and `linked` are the `_id`s of the profiles that are linked to it. `ip` and
    `user_agent` describe the client. `loaded` is the caller's own profile, if a write may start from it.
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
        """A text that identifies the caller in rate limits and queues."""
        return f"{self.tenant}/{self.connection}/{self.subject}"

    def is_self(self, user: object) -> bool:
        """Whether this `_id` belongs to the caller's own profile, or to a profile that is linked to it."""
        # Profiles are compared, not user ids: a user can have several subjects, and a user id can be given again after
        # its account was deleted.
        if self.kind is not ActorKind.USER or self.profile is None:
            return False
        return self.profile == user or user in self.linked

    def take_loaded(self) -> User | None:
        """Returns the caller's own profile as it was at the beginning of the request, at the first call only."""
        return None if self.loaded is None else self.loaded.take()

    def profile_ids(self) -> list[Key]:
        """Returns the `_id`s of the caller's profile and of the profiles that are linked to it."""
        return [] if self.profile is None else [self.profile, *self.linked]


@dataclass(frozen=True, slots=True)
class Source:
    """The client of a request without a token."""

    ip: str | None = None
    user_agent: str | None = None

    @property
    def key(self) -> str:
        """A text that identifies the client in rate limits and queues, like `Principal.key`."""
        return f"ip/{self.ip}"


def as_themselves(user: User, source: Source) -> Principal:
    """Returns the user as the caller of a request without a token: of a ticket, or of a sign-up."""
    # Without scopes: this caller passes no rule, so it can do only what the ticket or the sign-up does itself.
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
