"""The attributes of a log event."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from app.domain.attributes.users import readable_roots, root_of
from app.domain.filters import Record
from app.domain.kinds import Computed, Kind, Takes, computed, global_id, stored
from app.domain.locations import Location, read_location
from app.domain.logs import LOG_EVENT_TYPES, Actor, FieldChange, LogEventType
from app.domain.principals import ActorKind
from app.domain.rules import READ_LOGS, READ_OTHERS_ACTS, READ_USER_LOGS, Rule

LOG_EVENT = Kind(
    "LogEvent",
    "log_events",
    READ_USER_LOGS,
    READ_LOGS,
    owner="user",
    needs=("user", "actor"),
    lookups=("roots",),
)


def is_hidden(record: Record, readable: frozenset[Rule]) -> bool:
    """Whether the reader has no right to know the actor and the reason, because the actor is not the user.

    An event that this service caused is not hidden.
    """
    # Users see their own history. It must not tell them the names, IP addresses and reasons of support staff.
    actor = record.get("actor")
    return actor is not None and actor["kind"] != ActorKind.SYSTEM and READ_OTHERS_ACTS not in readable


def _actor(record: Record, readable: frozenset[Rule]) -> Actor | None:
    """Returns the actor, without its name if the reader has no right to know it."""
    found = record.get("actor")
    if found is None:
        return None
    return Actor(found["kind"], found["id"], None if is_hidden(record, readable) else found.get("name"))


def _location(record: Record, readable: frozenset[Rule]) -> Location | None:
    return None if is_hidden(record, readable) else read_location(record.get("location"))


def _unless_hidden(name: str, description: str) -> Computed:
    """Declares an attribute that is null for a reader who has no right to know who caused the event."""

    def value(record: Record, readable: frozenset[Rule]) -> Any:
        return None if is_hidden(record, readable) else record.get(name)

    return _for_reader(name, description, value, needs=(name,))


def _changes(record: Record, readable: frozenset[Rule]) -> Sequence[FieldChange] | None:
    found = record.get("changes")
    if found is None:
        return None
    roots = readable_roots(readable)
    return [
        FieldChange(each["path"], each.get("before"), each.get("after"))
        for each in found
        if root_of(each["path"]) in roots
    ]


_field = partial(stored, personal=True)
_for_reader = partial(computed, takes=Takes.READABLE, personal=True)

LOG_EVENT.add(
    [
        global_id("LogEvent", "The global id. It stays the same as long as the event is stored.", personal=True),
        _field(
            "log_id",
            "A shorter id of the event. Events sorted by `logId` are sorted by the time at which they were recorded.",
            path="_id",
            conversion=str,
        ),
        _field("type", "What happened, as a code for your program.", conversion=LogEventType),
        _field(
            "code",
            "The code of this type in the logs of Auth0: s, f, fp, ss, sapi, ...",
            path="type",
            conversion=lambda type_: LOG_EVENT_TYPES[LogEventType(type_)].code,
        ),
        _field(
            "description",
            "What happened, as an English text for people: Logged in.",
            path="type",
            conversion=lambda type_: LOG_EVENT_TYPES[LogEventType(type_)].description,
        ),
        _field("date", "When it happened, as the login service reported it or this service recorded it."),
        _field("user_id", "The `userId` of the user that the event is about. null: the event is not about a user."),
        _field("user_name", "The name of the user at that time."),
        _field(
            "user_version", "The version of the profile after the change. null: the event did not change the version."
        ),
        _for_reader(
            "actor",
            "Who caused the event: an application, another user, or this service. null: the user of"
            " `userId` caused the event, or somebody who tried to sign in as this user.",
            _actor,
            needs=("actor",),
        ),
        _field("client_id", "The client id of the application that was used. null: not known."),
        _field("client_name", "The display name of the application. null: not reported."),
        _field("connection", "For sign-ins and new accounts: the name of the connection."),
        _field("strategy", "For sign-ins and new accounts: the strategy of the connection."),
        _unless_hidden(
            "ip",
            "The IP address, IPv4 or IPv6. null: not known, or somebody else caused the event and the caller may"
            " not see from where.",
        ),
        _for_reader(
            "location",
            "The location of `ip` at that time. null: not known, or hidden as in `ip`.",
            _location,
            needs=("location",),
        ),
        _unless_hidden("user_agent", "The text of the User-Agent header. null: not known, or hidden as in `ip`."),
        _field("is_mobile", "For sign-ins: whether the device is a phone or a tablet. null: not known."),
        _for_reader(
            "changes",
            "The changed fields with their values before and after. Fields that the caller may not read are left out.",
            _changes,
            needs=("changes",),
        ),
        _unless_hidden("reason", "The reason that was given with the mutation. null: none, or hidden as in `ip`."),
        _unless_hidden(
            "details",
            "More facts about the event, which depend on `type`: for a deleted role its name and permissions. null:"
            " none, or hidden as in `ip`.",
        ),
    ]
)
