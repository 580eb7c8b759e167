"""What can be read of a log event."""

from typing import Any

from app.domain.attributes.users import readable_roots, root_of
from app.domain.locations import read_location
from app.domain.logs import LOG_EVENT_TYPES, Actor, FieldChange, LogEventType
from app.domain.principals import ActorKind
from app.domain.rows import Attribute, Kind, Row, global_id, made, once, plain
from app.domain.rules import READ_LOGS, READ_OTHERS_ACTS, READ_USER_LOGS

LOG_EVENT = Kind(
    "LogEvent",
    "log_events",
    READ_USER_LOGS,
    READ_LOGS,
    owner="user",
    needs=("user", "actor"),
    lookups=("roots",),
)


def is_hidden(row: Row) -> bool:
    """Whether an event is somebody else's act, shown to the user whom it was done to. The service is nobody else."""
    by = row.record.get("actor")
    return by is not None and by["kind"] != ActorKind.SYSTEM and READ_OTHERS_ACTS not in row.readable


def actor(row: Row) -> Actor | None:
    """Without the name where that is not for this reader."""
    stored = row.record.get("actor")
    if stored is None:
        return None
    return Actor(stored["kind"], stored["id"], None if is_hidden(row) else stored.get("name"))


def event_type(row: Row) -> LogEventType:
    return LogEventType(row.record["type"])


def _unless_hidden(name: str, description: str, *flags: str) -> Attribute:
    """What a user does not see of someone else's act: reason, details, address, user agent."""

    def value(row: Row) -> Any:
        return None if is_hidden(row) else row.record.get(name)

    return made(name, description, value, (name,), *flags)


def _changes(row: Row) -> list[FieldChange] | None:
    stored = row.record.get("changes")
    if stored is None:
        return None
    roots = readable_roots(row.readable)
    return [
        FieldChange(each["path"], each.get("before"), each.get("after"))
        for each in stored
        if root_of(each["path"]) in roots
    ]


LOG_EVENT.add(
    [
        global_id("Stays the same for as long as the event is kept.", "personal"),
        made("log_id", "Sorts by time.", lambda row: str(row.record["_id"]), ("_id",), "personal"),
        made("type", "What happened.", event_type, ("type",), "personal"),
        made(
            "code",
            "The short code that Auth0's logs use for it: s, f, fp, ss, sapi, ...",
            lambda row: LOG_EVENT_TYPES[event_type(row)].code,
            ("type",),
            "personal",
        ),
        made(
            "description",
            "What happened, for a person.",
            lambda row: LOG_EVENT_TYPES[event_type(row)].description,
            ("type",),
            "personal",
        ),
        plain("date", "When it happened.", "personal"),
        plain("user_id", "Whose profile it is about.", "personal"),
        plain("user_name", "That profile's name at the time.", "personal"),
        plain("user_version", "The version of the profile that this change made.", "personal"),
        made(
            "actor",
            "Who did it, where that is not the user: an application or an administrator.",
            actor,
            ("actor",),
            "personal",
        ),
        plain("client_id", "The application that it was done with.", "personal"),
        plain("client_name", "That application's name.", "personal"),
        plain("connection", "The connection that was signed in by.", "personal"),
        plain("strategy", "That connection's strategy.", "personal"),
        _unless_hidden("ip", "The address that it was done from.", "personal"),
        made(
            "location",
            "Where that address is.",
            lambda row: None if is_hidden(row) else read_location(row.record.get("location")),
            ("location",),
            "personal",
        ),
        _unless_hidden("user_agent", "The browser or program, as it named itself.", "personal"),
        plain("is_mobile", "Whether that was on a phone or tablet.", "personal"),
        made(
            "changes",
            "Which fields changed, from what to what; only those that the caller may read.",
            once("changes", _changes),
            ("changes",),
            "personal",
        ),
        _unless_hidden("reason", "What whoever did it gave as the reason.", "personal"),
        _unless_hidden("details", "More about it, by type.", "personal"),
    ]
)
