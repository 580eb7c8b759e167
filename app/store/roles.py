"""Stored roles."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from app.domain.identifiers import fold
from app.domain.ids import Key
from app.domain.logs import LogEvent
from app.domain.roles import Role
from app.store.commits import clear_role
from app.store.database import Database, driver_errors
from app.store.versioned import delete_versioned, insert_versioned, update_versioned


class RoleStore:
    """Reads and writes the stored roles."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, tenant: str, role_ids: Sequence[str]) -> list[Role]:
        """Returns the roles in the order of the ids. Ids without a role are left out."""
        with driver_errors():
            where = {"tenant": tenant, "role_id": {"$in": list(role_ids)}}
            found = await self._database["roles"].find(where).to_list(None)
        by_id = {each["role_id"]: _from_document(each) for each in found}
        return [by_id[each] for each in role_ids if each in by_id]

    async def names(self, tenant: str, ids: Collection[Key]) -> dict[Key, str]:
        """Returns the names of roles by `_id`. Ids without a role are left out."""
        if not ids:
            return {}
        with driver_errors():
            where = {"tenant": tenant, "_id": {"$in": list(ids)}}
            found = await self._database["roles"].find(where, {"name": 1}).to_list(None)
        return {each["_id"]: each["name"] for each in found}

    async def is_assigned(self, role: Role, users: Sequence[Key]) -> bool:
        """Whether one of these users has the role. `users` are `_id`s of profiles, which may be linked profiles."""
        where = {"tenant": role.tenant, "_id": {"$in": list(users)}, "role_ids": role.id}
        with driver_errors():
            return await self._database["users"].find_one(where, {"_id": 1}) is not None

    async def insert(self, role: Role, event: LogEvent) -> None:
        """Raises Conflict when another writer committed first, Taken when another role has its name."""
        await insert_versioned(self._database, "roles", _to_document(role), event)

    async def replace(self, before: Role, after: Role, event: LogEvent) -> None:
        """Raises Conflict when another writer committed first, Taken when another role has its name."""
        selector, document = {"tenant": before.tenant, "_id": before.id}, _to_document(after)
        # MongoDB does not allow a change of `_id`.
        del document["_id"]
        await update_versioned(self._database, "roles", selector, before.version, document, event)

    async def delete(self, role: Role, event: LogEvent) -> None:
        """Deletes a role, and records for `clear` that users may still refer to it.

        Raises Conflict when another writer committed first.
        """
        selector = {"tenant": role.tenant, "_id": role.id}
        async with self._database.transaction() as session:
            await delete_versioned(self._database, session, "roles", selector, role.version, event)
            # A role may have a million users, too many for one transaction. Their references are removed later, and
            # until then they refer to a role that does not exist and gives no permissions.
            note = {"tenant": role.tenant, "role": role.id}
            await self._database["deleted_roles"].insert_one(note, session=session)

    async def clear(self) -> int:
        """Removes deleted roles from all users. Returns the number of roles. May be repeated."""
        with driver_errors():
            notes = await self._database["deleted_roles"].find().to_list(None)
            for each in notes:
                await clear_role(self._database, each["tenant"], each["role"])
                # Deleted last: when the work is interrupted, the next call does it again.
                await self._database["deleted_roles"].delete_one({"_id": each["_id"]})
        return len(notes)


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
        version=document.get("version", 1),
    )
