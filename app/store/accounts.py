"""Accounts as documents: deleted, and erased from history."""

from collections.abc import Mapping
from typing import Any

from app.domain.logs import LogEvent
from app.domain.users import User
from app.store.database import Database, WriteConflict
from app.store.logs import to_document as event_to_document

# What is kept of a user outside of the profile and the history.
_BESIDE = (
    "credentials",
    "devices",
    "grants",
    "login_failures",
    "login_keys",
    "mails",
    "mfa_enrollments",
    "tickets",
)
# Of an event: what may tell of a person. What happened, when, and how it went stays.
_PERSONAL = ("user_id", "user_name", "ip", "location", "user_agent", "reason", "details", "changes", "roots")


class Accounts:
    """Writes of whole accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def delete(self, user: User, event: LogEvent, erase: bool) -> bool:
        """The profile, those linked to it, and all that was kept beside them. False where it was changed meanwhile.

        With `erase` events stand without the person in them.
        """
        one = {"tenant": user.tenant, "_id": user.id, "version": user.version}
        linked = {"tenant": user.tenant, "linked_to": user.id}
        beside = {"tenant": user.tenant, "user": {"$in": _ids(user)}}
        try:
            async with self._database.transaction() as session:
                if not (await self._database["users"].delete_one(one, session=session)).deleted_count:
                    raise WriteConflict
                await self._database["users"].delete_many(linked, session=session)
                for name in _BESIDE:
                    await self._database[name].delete_many(beside, session=session)
                await self._database["log_events"].insert_one(event_to_document(event), session=session)
                if erase:
                    await self._erase(user, session)
        except WriteConflict:
            return False
        return True

    async def _erase(self, user: User, session: Any) -> None:
        subjects = [user.user_id, *(each.origin_user_id for each in user.identities if each.origin_user_id)]
        typed = [each for each in (user.email, user.username, user.phone_number) if each]
        typed += [each.user_id for each in user.identities]
        tenant: Mapping[str, Any] = {"tenant": user.tenant}
        events = self._database["log_events"]
        about = {"$or": [{"user": {"$in": _ids(user)}}, {"details.identifier": {"$in": [*typed, *subjects]}}]}
        await events.update_many({**tenant, **about}, {"$unset": dict.fromkeys(_PERSONAL, "")}, session=session)
        # What the person did to others stands, by nobody.
        acted = {"actor.kind": "USER", "actor.id": {"$in": subjects}}
        gone = {
            "$set": {"actor.id": "erased"},
            "$unset": dict.fromkeys(("actor.name", "ip", "location", "user_agent"), ""),
        }
        await events.update_many({**tenant, **acted}, gone, session=session)
        mentioned = {"details.otherUserId": {"$in": subjects}}
        await events.update_many({**tenant, **mentioned}, {"$unset": {"details": ""}}, session=session)


def _ids(user: User) -> list[Any]:
    return [user.id, *(each.origin for each in user.identities if each.origin is not None)]
