"""What each reader sees of log events: which events are listed, which changes they show, and what is hidden."""

from dataclasses import dataclass
from typing import Any

import mongomock
import pytest

from app.domain import filters
from app.domain.attributes.logs import LOG_EVENT
from app.domain.attributes.users import USER, readable_roots, root_of
from app.domain.ids import Key
from app.domain.logs import Actor, FieldChange, LogEvent, LogEventType
from app.domain.principals import Principal
from app.domain.rows import Row
from app.domain.times import now
from app.policy.logs import visible_events
from app.policy.rules import readable
from app.store.logs import to_document
from app.store.queries import to_query
from tests.policy.callers import LINKED, OTHER, OWN, application, user, user_without_profile
from tests.world import ALL_SCOPES

PERSONAL = ("ip", "location", "user_agent", "reason", "details")
USER_READER = user("read:current_user")
SUPPORT = application("read:users", "read:logs_users")
ADMIN = application("read:users", "read:users_app_metadata", "read:logs_users")
# One change for each attribute. No caller can read the last three.
CHANGES: dict[str, Any] = {
    "name": ("name", "a", "b"),
    "user_metadata": ("user_metadata.color", "blue", None),
    "app_metadata": ("app_metadata.plan", None, "pro"),
    "app_metadata as a whole": ("app_metadata", {"plan": "pro"}, None),
    "roles": ("roles", None, ["Admin"]),
    "permissions": ("permissions", [], [{"api": "a", "name": "n"}]),
    "blocked": ("blocked", False, True),
    "identities": ("identities", [], [{"provider": "p"}]),
    "looks like app_metadata": ("app_metadatas.x", 1, 2),
    "unknown": ("password_hash", "x", "y"),
    "provenance": ("provenance.name", "x", "y"),
}
WITH_READ_USER = {"name", "user_metadata", "blocked", "identities"}
WITH_READ_ROLES = {"roles", "permissions"}
APP_METADATA = {"app_metadata", "app_metadata as a whole"}


def row(principal: Principal, document: dict[str, Any]) -> Row:
    """The event as the schema reads it."""
    return Row(LOG_EVENT, document, readable(principal, principal.is_self(document.get("user"))))


def document(user: Any, **fields: Any) -> dict[str, Any]:
    at = now()
    event = LogEvent(
        id=Key("e"),
        tenant="t",
        type=LogEventType.USER_METADATA_UPDATED,
        date=at,
        recorded_at=at,
        user=user,
        changes=tuple(FieldChange(*each) for each in CHANGES.values()),
        **fields,
    )
    return to_document(event)


@dataclass(frozen=True)
class Case:
    """`shown` are the keys of CHANGES that the reader sees in an event of the user `about`."""

    name: str
    reader: Principal
    about: Key | None
    shown: set[str]


CASES = [
    Case("own", USER_READER, OWN, WITH_READ_USER | WITH_READ_ROLES),
    Case("own linked account", USER_READER, LINKED, WITH_READ_USER | WITH_READ_ROLES),
    Case("own, with every scope", user(*ALL_SCOPES), OWN, WITH_READ_USER | WITH_READ_ROLES),
    Case("own linked account, with every scope", user(*ALL_SCOPES), LINKED, WITH_READ_USER | WITH_READ_ROLES),
    Case("own, without scopes", user(), OWN, set()),
    Case("another user's", USER_READER, OTHER, set()),
    Case("another user's, with every scope", user(*ALL_SCOPES), OTHER, WITH_READ_USER | WITH_READ_ROLES | APP_METADATA),
    Case("another user's, with read:users", user("read:users"), OTHER, WITH_READ_USER | WITH_READ_ROLES),
    Case("application, with read:current_user", application("read:current_user"), OTHER, set()),
    Case("application, with read:users", SUPPORT, OTHER, WITH_READ_USER | WITH_READ_ROLES),
    Case("application, with read:users_app_metadata", application("read:users_app_metadata"), OTHER, APP_METADATA),
    Case("application, with both", ADMIN, OTHER, WITH_READ_USER | WITH_READ_ROLES | APP_METADATA),
    Case("application, with read:roles", application("read:roles"), OTHER, WITH_READ_ROLES),
    Case("application, with read:logs", application("read:logs", "read:logs_users"), OTHER, set()),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_event_shows_readable_changes_only(case: Case) -> None:
    shown = row(case.reader, document(case.about)).read("changes")
    assert shown == [FieldChange(*CHANGES[name]) for name in CHANGES if name in case.shown]


def test_event_without_changes_shows_none() -> None:
    assert row(ADMIN, {"user": OTHER}).read("changes") is None


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("name", "name"),
        ("user_metadata.app_metadata.x", "user_metadata"),
        ("app_metadata.a.b", "app_metadata"),
        ("", ""),
    ],
)
def test_root_of_a_path_is_its_first_part(path: str, root: str) -> None:
    assert root_of(path) == root


def test_readable_roots_are_attributes_of_a_user() -> None:
    assert readable_roots(frozenset()) == set()
    assert readable_roots(readable(application(*ALL_SCOPES), False)) == set(USER.attributes)
    assert "app_metadata" not in readable_roots(readable(user(*ALL_SCOPES), True))


# ---------------------------------------------------------------- acts of others


ACT: dict[str, Any] = {
    "actor": Actor("APPLICATION", "support", "Support"),
    "ip": "203.0.113.7",
    "location": {"city_name": "Here"},
    "user_agent": "curl",
    "reason": "because",
    "details": {"x": 1},
}


@pytest.mark.parametrize("about", [OWN, LINKED])
def test_user_does_not_see_why_another_caller_acted(about: str) -> None:
    event = row(USER_READER, document(about, **ACT))
    assert {name: event.read(name) for name in PERSONAL} == dict.fromkeys(PERSONAL)
    assert event.read("actor") == Actor("APPLICATION", "support")
    # The user still sees that something happened.
    assert event.read("type") is LogEventType.USER_METADATA_UPDATED


@pytest.mark.parametrize(
    ("reader", "about"), [(SUPPORT, OTHER), (application("read:logs"), OTHER), (user("read:logs_users"), OTHER)]
)
def test_reader_of_logs_sees_why_a_caller_acted(reader: Principal, about: str) -> None:
    event = row(reader, document(about, **ACT))
    assert None not in [event.read(name) for name in PERSONAL]
    assert event.read("actor") == ACT["actor"]


def test_user_sees_all_details_of_their_own_act() -> None:
    own = {name: value for name, value in ACT.items() if name != "actor"}
    event = row(USER_READER, document(OWN, **own))
    assert None not in [event.read(name) for name in PERSONAL]
    assert event.read("actor") is None


# ---------------------------------------------------------------- lists


@dataclass(frozen=True)
class Listed:
    """`found` are the keys of EVENTS that the reader finds."""

    name: str
    reader: Principal
    found: set[str]


# For each name of an event, the user whom it is about and the paths that it changed.
EVENTS: dict[str, tuple[Key | None, tuple[str, ...]]] = {
    f"{about or 'no user'}: {', '.join(changed) or 'nothing'}": (about, changed)
    for about in (OWN, LINKED, OTHER, None)
    for changed in ((), ("name",), ("app_metadata.plan",), ("app_metadata", "name"), ("roles",), ("password_hash",))
}


def found_by(readable_own: set[str], readable_others: set[str]) -> set[str]:
    """Returns the events without changes, and those with a change of a readable attribute."""
    found = set()
    for name, (about, changed) in EVENTS.items():
        seen = readable_own if about in (OWN, LINKED) else readable_others
        if not changed or any(each.partition(".")[0] in seen for each in changed):
            found.add(name)
    return found


# Attributes of EVENTS that a scope makes readable.
USERS, METADATA, ROLES = {"name", "roles"}, {"app_metadata"}, {"roles"}
LISTED = [
    Listed("user", USER_READER, found_by(USERS, set())),
    Listed("user without scopes", user(), found_by(set(), set())),
    Listed("user with every scope", user(*ALL_SCOPES), found_by(USERS, USERS | METADATA)),
    Listed("user with read:users_app_metadata", user("read:users_app_metadata"), found_by(set(), METADATA)),
    Listed("application without scopes", application(), found_by(set(), set())),
    Listed("application with read:users", SUPPORT, found_by(USERS, USERS)),
    Listed("application with read:roles", application("read:roles"), found_by(ROLES, ROLES)),
    Listed("application with both", ADMIN, found_by(USERS | METADATA, USERS | METADATA)),
]


@pytest.mark.parametrize("listed", LISTED, ids=lambda listed: listed.name)
def test_event_with_unreadable_changes_only_is_not_listed(listed: Listed) -> None:
    events: Any = mongomock.MongoClient().db.events
    for name, (about, changed) in EVENTS.items():
        roots = sorted({root_of(each) for each in changed})
        events.insert_one({"_id": name, "tenant": "t", "user": about} | ({"roots": roots} if roots else {}))
    found = {each["_id"] for each in events.find(to_query(LOG_EVENT, "t", visible_events(listed.reader)))}
    assert found == listed.found


def test_reader_with_all_scopes_has_no_filter() -> None:
    """Without a filter, MongoDB answers from the index."""
    assert visible_events(application(*ALL_SCOPES)) == filters.ALL


def test_user_without_profile_has_no_events_of_their_own() -> None:
    """Only what they may read of others counts, because the list of their own events is empty."""
    assert visible_events(user_without_profile(*ALL_SCOPES)) == filters.ALL
    assert visible_events(user(*ALL_SCOPES)) != filters.ALL
