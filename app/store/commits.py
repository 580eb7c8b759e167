"""Executes commits as MongoDB transactions. Requests write users only here, so that none can forget a derived field.

`to_document` derives the fields that lookups and searches need. Two other writers exist: the migrations and
token_rotation.py, which `profile-api migrate` runs. They change stored documents directly.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.errors import DuplicateKeyError

from app.domain.commits import Commit, ProfileWrite
from app.domain.ids import Key
from app.domain.logs import LogEvent
from app.domain.search_terms import ROLE, TERMS, to_term
from app.domain.users import User
from app.store.connections import guard_connection
from app.store.database import Database, driver_errors
from app.store.erasure import delete_owned, erase
from app.store.errors import Conflict, Taken
from app.store.inserts import insert_missing
from app.store.logs import insert_event
from app.store.side_effects import write_side_effects
from app.store.users import stored_document, to_document, to_update


class Commits:
    """Writes commits and single events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def execute(self, commit: Commit) -> None:
        """Writes the profiles, the events and the side effects of the commit in one transaction.

        Raises Conflict when a stored profile no longer has the version of `before`, Taken when another profile has one
        of the keys, Gone when the connection of a new profile does not exist, and the errors of `write_side_effects`.
        """
        try:
            async with self._database.transaction() as session:
                # The profiles come first: when another writer was faster, no event is written in vain.
                for each in commit.profiles:
                    await self._write(session, each)
                for event in commit.events:
                    await insert_event(self._database, session, event)
                last = commit.profiles[-1]
                user = last.after or last.before
                assert user
                await write_side_effects(self._database, session, user, commit.side_effects)
                if last.erase:
                    # This must follow the events: the event of the deletion contains personal data too.
                    await erase(self._database, session, user)
        except DuplicateKeyError as error:
            pattern = (error.details or {}).get("keyPattern") or {}
            # These two indexes belong to profiles. A duplicate in another index is a defect of this service, and the
            # caller must not be told that an e-mail address or user name is in use.
            raise (Taken() if pattern.keys() & {"keys", "user_id"} else error) from error

    async def record(self, event: LogEvent) -> None:
        """Writes an event that belongs to no change, such as a failed login."""
        with driver_errors():
            await insert_event(self._database, None, event)

    async def _write(self, session: Any, write: ProfileWrite) -> None:
        users, before, after = self._database["users"], write.before, write.after
        if before is None:
            assert after
            await guard_connection(self._database, session, after.tenant, after.identities[0].connection)
            await users.insert_one(to_document(after), session=session)
            return
        # The version is a condition of the write itself. A read before the write would let a second writer in between.
        where = {"_id": before.id, "tenant": before.tenant, "version": before.version}
        if after is None:
            found = (await users.delete_one(where, session=session)).deleted_count
        elif update := _to_update(before, after, write):
            found = (await users.update_one(where, update, session=session)).matched_count
        else:
            # Nothing to write, but the decision of the use case is still only valid for this version.
            found = await users.find_one(where, {"_id": 1}, session=session)
        if not found:
            raise Conflict
        if after is None:
            # Linked profiles are separate documents that no list shows. Without this they would stay for ever.
            linked = {"tenant": before.tenant, "_id": {"$in": before.profile_ids()}}
            await users.delete_many(linked, session=session)
            await delete_owned(self._database, session, before)


async def clear_role(database: Database, tenant: str, role: Key) -> None:
    """Removes a deleted role from all users that still refer to it. Their versions stay the same."""
    # A deleted role gives no permission, so this removes nothing that a reader of the profile can see.
    update = {"$pull": {"role_ids": role, TERMS: to_term(ROLE, str(role))}}
    with driver_errors():
        await database["users"].update_many({"tenant": tenant, "role_ids": role}, update)


async def put_missing_users(database: Database, users: Sequence[User]) -> None:
    """Inserts the profiles that do not exist yet, without events. Only for demo data."""
    await insert_missing(database, "users", [to_document(each) for each in users])


def _to_update(before: User, after: User, write: ProfileWrite) -> Mapping[str, Any]:
    update = to_update(stored_document(before), to_document(after))
    changed = update.get("$set", {})
    # Most logins do not change the version, so two logins can commit at the same moment. `$inc` adds both, and `$max`
    # keeps the later time. `$set` would lose one of the two.
    for name in write.increments:
        changed.pop(name, None)
    update["$inc"] = dict(write.increments)
    update["$max"] = {name: changed.pop(name) for name in write.maximum if name in changed}
    return {operator: names for operator, names in update.items() if names}
