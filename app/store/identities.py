"""Linking and unlinking as documents: two profiles and their events, in one transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.errors import DuplicateKeyError

from app.domain.logs import LogEvent
from app.domain.users import User
from app.store.database import Database, WriteConflict, driver_errors
from app.store.logs import insert_event
from app.store.users import from_document, to_document, to_update


class Identities:
    """Writes of two profiles at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, where: Mapping[str, Any]) -> User | None:
        """A profile, linked to another or not. `where` starts with the tenant."""
        with driver_errors():
            found = await self._database["users"].find_one(where)
        return None if found is None else from_document(found)

    async def write(self, pairs: Sequence[tuple[User, User]], events: Sequence[LogEvent]) -> bool:
        """Each (before, after), in this order; False, and nothing written, where one was changed meanwhile."""
        try:
            async with self._database.transaction() as session:
                for before, after in pairs:
                    where = {"_id": before.id, "tenant": before.tenant, "version": before.version}
                    update = to_update(to_document(before), to_document(after))
                    result = await self._database["users"].update_one(where, update, session=session)
                    if not result.matched_count:
                        raise WriteConflict
                for event in events:
                    await insert_event(self._database, session, event)
        except (WriteConflict, DuplicateKeyError):
            return False
        return True
