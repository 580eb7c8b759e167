"""Authorized applications: what a user allowed an application to do for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.commits import SideEffect
from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key

# Of one user.
MAX_GRANTS = 200
MAX_SCOPES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One for each application and API. `user` is the profile's `_id`, `audience` the API's identifier."""

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
    """Records it, in the place of what the user allowed this application before for this API."""

    grant: Grant

    def refusal(self) -> Refused:
        message = f"A user has at most {MAX_GRANTS} authorized applications."
        return Refused(ErrorCode.TOO_LARGE, message, ("clientId",))


@dataclass(frozen=True, slots=True)
class DeleteGrant(SideEffect):
    """Takes back what the user allowed."""

    id: Key

    def refusal(self) -> Refused:
        return Refused(ErrorCode.NOT_FOUND, "The user has authorized no such application.", ("id",))
