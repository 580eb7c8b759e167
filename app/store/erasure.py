"""Deletes what belongs to a deleted profile, and erases a person from the log events."""

from collections.abc import Mapping
from typing import Any

from app.domain.attributes.logs import LOG_EVENT
from app.domain.attributes.nodes import NODES
from app.domain.users import User
from app.store.database import Database

# Collections with data of a user that no GraphQL type shows. A collection that is missing here survives its user.
_INTERNAL = ("credentials", "login_failures", "log_sizes", "login_keys", "mails", "password_changes", "tickets")
# The other collections with data of a user, except the log events: they remain after a deletion.
_SHOWN = (kind.collection for kind in NODES.values() if kind.owner == "user" and kind is not LOG_EVENT)
OWNED = (*_INTERNAL, *_SHOWN)
# The fields of a log event that can contain personal data. Its type, date and result remain for the statistics.
_PERSONAL = ("user_id", "user_name", "ip", "location", "user_agent", "reason", "details", "changes", "roots")
_REMOVE_PERSON: Mapping[str, Any] = {"$unset": dict.fromkeys(_PERSONAL, "")}
# The attributes that identify a person. They are the paths of changes in log events too.
_IDENTIFIERS = ("email", "pending_email", "username", "phone_number")


async def delete_owned(database: Database, session: Any, user: User) -> None:
    """Deletes all documents that belong to the user and to the linked profiles, except the log events."""
    owned = {"tenant": user.tenant, "user": {"$in": user.profile_ids()}}
    for name in OWNED:
        await database[name].delete_many(owned, session=session)


async def erase(database: Database, session: Any, user: User) -> None:
    """Removes the person from all log events of the tenant. The events themselves stay."""
    subjects = [user.user_id, *(each.origin_user_id for each in user.identities if each.origin_user_id)]
    tenant: Mapping[str, Any] = {"tenant": user.tenant}
    events = database["log_events"]
    # The identifiers must be read before the first update, which removes them from the history.
    identifiers = {*subjects, *await identifiers_in_history(database, session, user)}
    about = {"user": {"$in": user.profile_ids()}}
    await events.update_many({**tenant, **about}, _REMOVE_PERSON, session=session)
    # A failed login with a wrong name belongs to no user, but its event has the identifier that was entered. People
    # enter identifiers in any case, so the comparison ignores it.
    lower = {"$toLower": "$details.identifier"}
    entered = {
        "details.identifier": {"$exists": True},
        "$expr": {"$in": [lower, sorted(each.lower() for each in identifiers)]},
    }
    await events.update_many({**tenant, **entered}, _REMOVE_PERSON, session=session)
    # What the person did to other profiles belongs to the history of these profiles: only the actor is removed.
    acted = {"actor.kind": "USER", "actor.id": {"$in": subjects}}
    remove_actor = {
        "$set": {"actor.id": "erased"},
        "$unset": dict.fromkeys(("actor.name", "ip", "location", "user_agent"), ""),
    }
    await events.update_many({**tenant, **acted}, remove_actor, session=session)
    mentioned = {"details.otherUserId": {"$in": subjects}}
    await events.update_many({**tenant, **mentioned}, {"$unset": {"details": ""}}, session=session)


async def identifiers_in_history(database: Database, session: Any, user: User) -> set[str]:
    """Returns the present and the earlier identifiers of the user and of the linked profiles."""
    where = {"tenant": user.tenant, "user": {"$in": user.profile_ids()}, "changes.path": {"$in": _IDENTIFIERS}}
    found = [each.user_id for each in user.identities]
    found += [key.split(":", 2)[2] for each in user.identities for key in each.keys]
    found += [getattr(user, name) for name in _IDENTIFIERS]
    async for event in database["log_events"].find(where, {"changes": 1}, session=session):
        changes = [each for each in event["changes"] if each["path"] in _IDENTIFIERS]
        found += [each.get(name) for each in changes for name in ("before", "after")]
    return {each for each in found if each}
