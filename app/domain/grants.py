"""Authorized applications: what a user allowed an application to do for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.ids import Key
from app.domain.users import Beside

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
class PutGrant(Beside):
    """Records it, in the place of what the user allowed this application before for this API."""

    grant: Grant


@dataclass(frozen=True, slots=True)
class DeleteGrant(Beside):
    """Refused with NOT_FOUND where it is gone."""

    id: Key
