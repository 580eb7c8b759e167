"""Deleted accounts: what goes with the profile, and how a person is erased from history."""

from collections.abc import Mapping
from typing import Any

from app.domain.attributes.logs import LOG_EVENT
from app.domain.attributes.nodes import NODES
from app.domain.users import User
from app.store.database import Database

# Collections of data about a user that no type shows.
_INTERNAL = ("credentials", "login_failures", "log_sizes", "login_keys", "mails", "password_changes", "tickets")
# All of the user's collections but the profile and the history, which outlives it.
_SHOWN = (kind.collection for kind in NODES.values() if kind.owner == "user" and kind is not LOG_EVENT)
OWNED = (*_INTERNAL, *_SHOWN)
# Of an event: what may tell of a person. What happened, when, and how it went stays.
_PERSONAL = ("user_id", "user_name", "ip", "location", "user_agent", "reason", "details", "changes", "roots")
_WITHOUT_PERSON: Mapping[str, Any] = {"$unset": dict.fromkeys(_PERSONAL, "")}
# What names a person, as a profile and its history have it.
_IDENTIFIERS = ("email", "pending_email", "username", "phone_number")


async def delete_owned(database: Database, session: Any, user: User) -> None:
    """Deletes what is kept of the user and of what is linked to them, except for the history."""
    owned = {"tenant": user.tenant, "user": {"$in": user.own()}}
    for name in OWNED:
        await database[name].delete_many(owned, session=session)


async def erase(database: Database, session: Any, user: User) -> None:
    """Removes the person from events. The events themselves stay."""
    subjects = [user.user_id, *(each.origin_user_id for each in user.identities if each.origin_user_id)]
    tenant: Mapping[str, Any] = {"tenant": user.tenant}
    events = database["log_events"]
    typed = {*subjects, *await identifiers_in_history(database, session, user)}
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


async def identifiers_in_history(database: Database, session: Any, user: User) -> set[str]:
    """What named the person and the accounts that are linked to them, now and before."""
    theirs = {"tenant": user.tenant, "user": {"$in": user.own()}, "changes.path": {"$in": _IDENTIFIERS}}
    told = [each.user_id for each in user.identities]
    told += [key.split(":", 2)[2] for each in user.identities for key in each.keys]
    told += [getattr(user, name) for name in _IDENTIFIERS]
    async for event in database["log_events"].find(theirs, {"changes": 1}, session=session):
        changes = [each for each in event["changes"] if each["path"] in _IDENTIFIERS]
        told += [each.get(name) for each in changes for name in ("before", "after")]
    return {each for each in told if each}
