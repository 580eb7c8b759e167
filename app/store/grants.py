"""Stored grants (authorized applications)."""

from collections.abc import Mapping
from typing import Any

from app.domain.grants import MAX_GRANTS, DeleteGrant, Grant, PutGrant
from app.domain.users import User
from app.store.database import Database, driver_errors, to_key
from app.store.errors import Full, Gone
from app.store.inserts import put_one_of, record_of


class GrantStore:
    """What users allowed."""

    def __init__(self, database: Database) -> None:
        self._grants = database["grants"]

    async def find(self, user: User, id: str) -> Grant | None:
        """By its `_id` in hexadecimal."""
        return await self._find({"tenant": user.tenant, "user": {"$in": user.own()}, "_id": to_key(id)})

    async def find_of(self, user: User, client_id: str, audience: str) -> Grant | None:
        one = {"tenant": user.tenant, "user": user.id, "client_id": client_id, "audience": audience}
        return await self._find(one)

    async def _find(self, where: Mapping[str, Any]) -> Grant | None:
        with driver_errors():
            found = await self._grants.find_one(where)
        return None if found is None else Grant(**{"id": found.pop("_id"), "client_name": None, **found})


async def put_grant(database: Database, session: Any, user: User, given: PutGrant) -> None:
    """Raises Full beyond MAX_GRANTS."""
    unique, document = ("tenant", "user", "client_id", "audience"), record_of(given.grant)
    if not await put_one_of(database["grants"], session, document, unique, MAX_GRANTS):
        raise Full(given)


async def delete_grant(database: Database, session: Any, user: User, given: DeleteGrant) -> None:
    one = {"tenant": user.tenant, "_id": given.id}
    if not (await database["grants"].delete_one(one, session=session)).deleted_count:
        raise Gone(given)
