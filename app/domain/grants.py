"""Grants: an application that a user authorized, with the API and the scopes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.commits import SideEffect
from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key

# Maximum number of grants of one user.
MAX_GRANTS = 200
# Maximum number of scopes of one grant.
MAX_SCOPES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A stored grant. A user has one for each application and API.

    `user` is the `_id` of the profile. `audience` is the identifier of the API.
    """

    id: Key
    tenant: str
    user: Key
    client_id: str
    client_name: str | None
    audience: str
    scopes: Sequence[str]
    granted_at: datetime


@dataclass(frozen=True, slots=True)
class PutGrant(SideEffect):
    """Stores a grant. Replaces the stored grant for the same application and API."""

    grant: Grant

    def refusal(self) -> Refused:
        message = f"A user can have at most {MAX_GRANTS} authorized applications."
        return Refused(ErrorCode.TOO_LARGE, message, ("clientId",))


@dataclass(frozen=True, slots=True)
class DeleteGrant(SideEffect):
    """Deletes a grant."""

    id: Key

    def refusal(self) -> Refused:
        return Refused(ErrorCode.NOT_FOUND, "The user has no authorized application with this id.", ("id",))
