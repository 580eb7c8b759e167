"""Accounts as documents: deleted, and erased from history."""

from collections.abc import Mapping
from typing import Any

from app.domain.logs import LogEvent
from app.domain.users import User
from app.store.database import Database, WriteConflict
from app.store.logs import insert_event

# What is kept of a user outside of the profile and the history.
_BESIDE = (
    "credentials",
    "devices",
    "grants",
    "login_failures",
    "log_sizes",
    "login_keys",
    "mails",
    "mfa_enrollments",
    "password_changes",
    "tickets",
)
# Of an event: what may tell of a person. What happened, when, and how it went stays.
_PERSONAL = ("user_id", "user_name", "ip", "location", "user_agent", "reason", "details", "changes", "roots")
_WITHOUT_PERSON: Mapping[str, Any] = {"$unset": dict.fromkeys(_PERSONAL, "")}
# What names a person, as a profile and its history have it.
_IDENTIFIERS = ("email", "pending_email", "username", "phone_number")


class Accounts:
    """Writes of whole accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def delete(self, user: User, event: LogEvent, erase: bool) -> bool:
        """The profile, those linked to it, and all that was kept beside them. False where it was changed meanwhile.

        With `erase` events stand without the person in them.
        """
        one = {"tenant": user.tenant, "_id": user.id, "version": user.version}
        linked = {"tenant": user.tenant, "_id": {"$in": user.own()}}
        beside = {"tenant": user.tenant, "user": {"$in": user.own()}}
        try:
            async with self._database.transaction() as session:
                if not (await self._database["users"].delete_one(one, session=session)).deleted_count:
                    raise WriteConflict
                await self._database["users"].delete_many(linked, session=session)
                for name in _BESIDE:
                    await self._database[name].delete_many(beside, session=session)
                await insert_event(self._database, session, event)
                if erase:
                    await self._erase(user, session)
        except WriteConflict:
            return False
        return True

    async def _erase(self, user: User, session: Any) -> None:
        subjects = [user.user_id, *(each.origin_user_id for each in user.identities if each.origin_user_id)]
        tenant: Mapping[str, Any] = {"tenant": user.tenant}
        events = self._database["log_events"]
        typed = {*subjects, *await self._identifiers(user, session)}
        about = {"user": {"$in": user.own()}}
        await events.update_many({**tenant, **about}, _WITHOUT_PERSON, session=session)
        # Somebody's typing of a name that was theirs, in whichever case.
        lower = {"$toLower": "$details.identifier"}
        mistyped = {
            "details.identifier": {"$exists": True},
            "$expr": {"$in": [lower, sorted(each.lower() for each in typed)]},
        }
        await events.update_many({**tenant, **mistyped}, _WITHOUT_PERSON, session=session)
        # What the person did to others stands, by nobody.
        acted = {"actor.kind": "USER", "actor.id": {"$in": subjects}}
        gone = {
            "$set": {"actor.id": "erased"},
            "$unset": dict.fromkeys(("actor.name", "ip", "location", "user_agent"), ""),
        }
        await events.update_many({**tenant, **acted}, gone, session=session)
        mentioned = {"details.otherUserId": {"$in": subjects}}
        await events.update_many({**tenant, **mentioned}, {"$unset": {"details": ""}}, session=session)

    async def _identifiers(self, user: User, session: Any) -> set[str]:
        """What the person was named by, now and before, with what is linked to them."""
        theirs = {"tenant": user.tenant, "user": {"$in": user.own()}, "changes.path": {"$in": _IDENTIFIERS}}
        told = [each.user_id for each in user.identities]
        told += [key.split(":", 2)[2] for each in user.identities for key in each.keys]
        told += [getattr(user, name) for name in _IDENTIFIERS]
        async for event in self._database["log_events"].find(theirs, {"changes": 1}, session=session):
            changes = [each for each in event["changes"] if each["path"] in _IDENTIFIERS]
            told += [each.get(name) for each in changes for name in ("before", "after")]
        return {each for each in told if each}
