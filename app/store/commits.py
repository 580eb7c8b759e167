"""Commits as transactions: the only module that writes users.

Every write of a profile goes through `to_document`, which derives what lookup and search need. Only migrations and
token_rotation.py, which `profile-api migrate` runs, write users outside this module.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.errors import DuplicateKeyError

from app.domain.commits import Commit, ProfileWrite
from app.domain.ids import Key
from app.domain.logs import LogEvent
from app.domain.users import User
from app.store.connections import hold_connection
from app.store.database import Database, driver_errors
from app.store.erasure import delete_owned, erase
from app.store.errors import Conflict, Taken
from app.store.inserts import insert_missing
from app.store.logs import insert_event
from app.store.side_effects import write_side_effects
from app.store.users import to_document, to_update


class Commits:
    """Executes commits."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def execute(self, commit: Commit) -> None:
        """Writes all of it in one transaction. Raises Conflict when a profile does not have the version of `before`
        any more, Taken when another profile has one of its keys, Gone when the connection of a new profile is gone,
        and what `write_side_effects` raises.
        """
        try:
            async with self._database.transaction() as session:
                # The profiles first: a lost race ends here, before an event is written for nothing.
                for each in commit.profiles:
                    await self._write(session, each)
                for event in commit.events:
                    await insert_event(self._database, session, event)
                last = commit.profiles[-1]
                user = last.after or last.before
                assert user
                await write_side_effects(self._database, session, user, commit.side_effects)
                if last.erase:
                    # The event of the deletion is erased too.
                    await erase(self._database, session, user)
        except DuplicateKeyError as error:
            pattern = (error.details or {}).get("keyPattern") or {}
            # A key of a profile. Any other duplicate is a defect of this service.
            raise (Taken() if pattern.keys() & {"keys", "user_id"} else error) from error

    async def record(self, event: LogEvent) -> None:
        """An event that goes with no change."""
        with driver_errors():
            await insert_event(self._database, None, event)

    async def _write(self, session: Any, write: ProfileWrite) -> None:
        users, before, after = self._database["users"], write.before, write.after
        if before is None:
            assert after
            await hold_connection(self._database, session, after.tenant, after.identities[0].connection)
            await users.insert_one(to_document(after), session=session)
            return
        where = {"_id": before.id, "tenant": before.tenant, "version": before.version}
        if after is None:
            found = (await users.delete_one(where, session=session)).deleted_count
        elif update := _to_update(before, after, write):
            found = (await users.update_one(where, update, session=session)).matched_count
        else:
            found = await users.find_one(where, {"_id": 1}, session=session)
        if not found:
            raise Conflict
        if after is None:
            linked = {"tenant": before.tenant, "_id": {"$in": before.own()}}
            await users.delete_many(linked, session=session)
            await delete_owned(self._database, session, before)


async def clear_role(database: Database, tenant: str, role: Key) -> None:
    """Takes a deleted role from the users that still name it. It has no effect on them, so no version changes."""
    with driver_errors():
        await database["users"].update_many({"tenant": tenant, "role_ids": role}, {"$pull": {"role_ids": role}})


async def put_missing_users(database: Database, users: Sequence[User]) -> None:
    """Inserts the profiles that are not there yet, without events: for demo data."""
    await insert_missing(database, "users", [to_document(each) for each in users])


def _to_update(before: User, after: User, write: ProfileWrite) -> Mapping[str, Any]:
    update = to_update(to_document(before), to_document(after))
    changed = update.get("$set", {})
    for name in write.increments:
        changed.pop(name, None)
    update["$inc"] = dict(write.increments)
    update["$max"] = {name: changed.pop(name) for name in write.maximum if name in changed}
    return {operator: names for operator, names in update.items() if names}
