"""Roles as documents."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pymongo.errors import DuplicateKeyError

from app.domain.identifiers import fold
from app.domain.logs import LogEvent
from app.domain.roles import Role
from app.store.database import Database, WriteConflict, driver_errors
from app.store.logs import to_document as event_to_document


class Roles:
    """A role that is deleted is gone in one step; what still names it is cleared afterwards, and names nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, tenant: str, role_ids: Sequence[str]) -> list[Role]:
        """In the order of the ids, without those that are not there."""
        with driver_errors():
            where = {"tenant": tenant, "role_id": {"$in": list(role_ids)}}
            found = await self._database["roles"].find(where).to_list(None)
        by_id = {each["role_id"]: _from_document(each) for each in found}
        return [by_id[each] for each in role_ids if each in by_id]

    async def insert(self, role: Role, event: LogEvent) -> bool:
        """False where another has its name."""
        return await self._written(event, "insert_one", _to_document(role))

    async def replace(self, role: Role, event: LogEvent) -> bool:
        """False where another has its name."""
        return await self._written(event, "replace_one", {"tenant": role.tenant, "_id": role.id}, _to_document(role))

    async def delete(self, role: Role, event: LogEvent) -> None:
        """With a note of it, by which `clear` goes."""
        async with self._database.transaction() as session:
            await self._database["roles"].delete_one({"tenant": role.tenant, "_id": role.id}, session=session)
            note = {"tenant": role.tenant, "role": role.id}
            await self._database["deleted_roles"].insert_one(note, session=session)
            await self._database["log_events"].insert_one(event_to_document(event), session=session)

    async def clear(self) -> int:
        """Takes deleted roles out of the users that still name them. How many roles; doing it again does no harm."""
        with driver_errors():
            notes = await self._database["deleted_roles"].find().to_list(None)
            for each in notes:
                named = {"tenant": each["tenant"], "role_ids": each["role"]}
                await self._database["users"].update_many(named, {"$pull": {"role_ids": each["role"]}})
                await self._database["deleted_roles"].delete_one({"_id": each["_id"]})
        return len(notes)

    async def _written(self, event: LogEvent, operation: str, *arguments: Any) -> bool:
        try:
            async with self._database.transaction() as session:
                await getattr(self._database["roles"], operation)(*arguments, session=session)
                await self._database["log_events"].insert_one(event_to_document(event), session=session)
        except (DuplicateKeyError, WriteConflict):
            return False
        return True


def _to_document(role: Role) -> dict[str, Any]:
    document = asdict(role)
    return {
        "_id": document.pop("id"),
        "name_folded": fold(role.name),
        **document,
        "permissions": list(role.permissions),
    }


def _from_document(document: Mapping[str, Any]) -> Role:
    return Role(
        id=document["_id"],
        tenant=document["tenant"],
        role_id=document["role_id"],
        name=document["name"],
        description=document.get("description"),
        permissions=tuple(document.get("permissions", ())),
    )
