"""What can be read of a log event."""

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
    """Whether the event is an act of someone other than the user, and the reader may not know who did it and why.

    What the service itself did is not hidden.
    """
    by = record.get("actor")
    return by is not None and by["kind"] != ActorKind.SYSTEM and READ_OTHERS_ACTS not in readable


def _actor(record: Record, readable: frozenset[Rule]) -> Actor | None:
    """The name is left out when the reader may not know it."""
    found = record.get("actor")
    if found is None:
        return None
    return Actor(found["kind"], found["id"], None if is_hidden(record, readable) else found.get("name"))


def _location(record: Record, readable: frozenset[Rule]) -> Location | None:
    return None if is_hidden(record, readable) else read_location(record.get("location"))


def _unless_hidden(name: str, description: str) -> Computed:
    """Reason, details, IP address and user agent of someone else's act are not for the user to whom it was done."""

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
        global_id("LogEvent", "Stays the same for as long as the event is kept.", personal=True),
        _field("log_id", "Sorts by time.", path="_id", conversion=str),
        _field("type", "What happened.", conversion=LogEventType),
        _field(
            "code",
            "The short code that Auth0's logs use for this type: s, f, fp, ss, sapi, ...",
            path="type",
            conversion=lambda type_: LOG_EVENT_TYPES[LogEventType(type_)].code,
        ),
        _field(
            "description",
            "What happened, as a sentence for people.",
            path="type",
            conversion=lambda type_: LOG_EVENT_TYPES[LogEventType(type_)].description,
        ),
        _field("date", "When it happened."),
        _field("user_id", "The user whose profile the event is about."),
        _field("user_name", "The name of that profile at the time."),
        _field("user_version", "The version of the profile that this change created."),
        _for_reader(
            "actor",
            "Who did it, if that is not the user: an application or an administrator.",
            _actor,
            needs=("actor",),
        ),
        _field("client_id", "The application with which it was done."),
        _field("client_name", "The name of that application."),
        _field("connection", "The connection of the sign-in."),
        _field("strategy", "The strategy of that connection."),
        _unless_hidden("ip", "The IP address from which it was done."),
        _for_reader("location", "The location of that IP address.", _location, needs=("location",)),
        _unless_hidden("user_agent", "The browser or program, as it identified itself."),
        _field("is_mobile", "Whether that was on a phone or tablet."),
        _for_reader(
            "changes",
            "The fields that changed, with their values before and after: only those that the caller may read.",
            _changes,
            needs=("changes",),
        ),
        _unless_hidden("reason", "The reason that the actor gave."),
        _unless_hidden("details", "More about the event. What it contains depends on the type."),
    ]
)
