"""Stored grants (authorized applications)."""

from collections.abc import Mapping
from typing import Any

from app.domain.grants import MAX_GRANTS, DeleteGrant, Grant, PutGrant
from app.domain.users import User
from app.store.database import Database, driver_errors, to_key
from app.store.errors import Full, Gone
from app.store.inserts import record_of, upsert_within_limit


class GrantStore:
    """Finds the grants that users gave to applications."""

    def __init__(self, database: Database) -> None:
        self._grants = database["grants"]

    async def find(self, user: User, id: str) -> Grant | None:
        """Finds a grant of the user, or of a linked profile, by its `_id` in hexadecimal."""
        return await self._find({"tenant": user.tenant, "user": {"$in": user.profile_ids()}, "_id": to_key(id)})

    async def find_of(self, user: User, client_id: str, audience: str) -> Grant | None:
        return await self._find({"tenant": user.tenant, "user": user.id, "client_id": client_id, "audience": audience})

    async def _find(self, where: Mapping[str, Any]) -> Grant | None:
        with driver_errors():
            found = await self._grants.find_one(where)
        return None if found is None else Grant(**{"id": found.pop("_id"), "client_name": None, **found})


async def put_grant(database: Database, session: Any, user: User, given: PutGrant) -> None:
    """Adds the grant, or updates the stored one with the same application and audience.

    Raises Full beyond MAX_GRANTS.
    """
    unique, document = ("tenant", "user", "client_id", "audience"), record_of(given.grant)
    if not await upsert_within_limit(database["grants"], session, document, unique, MAX_GRANTS):
        raise Full(given)


async def delete_grant(database: Database, session: Any, user: User, given: DeleteGrant) -> None:
    """Raises Gone when the grant does not exist."""
    where = {"tenant": user.tenant, "_id": given.id}
    if not (await database["grants"].delete_one(where, session=session)).deleted_count:
        raise Gone(given)
