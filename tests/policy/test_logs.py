"""What each reader sees of a log event: which events are listed, which changes they show, what is hidden."""

from dataclasses import dataclass
from typing import Any

import mongomock
import pytest

from app.domain import filters
from app.domain.attributes.logs import LOG_EVENT
from app.domain.attributes.users import USER, readable_roots, root_of
from app.domain.ids import Key
from app.domain.logs import Actor, FieldChange, LogEvent, LogEventType
from app.domain.principals import ActorKind, Principal
from app.domain.rows import Row
from app.domain.times import now
from app.policy.logs import visible_events
from app.policy.rules import readable
from app.store.logs import to_document
from app.store.queries import to_query
from tests.world import ALL_SCOPES

OWN, LINKED, OTHER = Key("own"), Key("linked"), Key("other")
PERSONAL = ("ip", "location", "user_agent", "reason", "details")


def user(*scopes: str) -> Principal:
    """Whose profile is OWN, with LINKED as a second account."""
    return Principal("t", "me", ActorKind.USER, frozenset(scopes), profile=OWN, linked=(LINKED,))


def application(*scopes: str) -> Principal:
    return Principal("t", "tool", ActorKind.APPLICATION, frozenset(scopes))


ME = user("read:current_user")
SUPPORT = application("read:users", "read:logs_users")
ADMIN = application("read:users", "read:users_app_metadata", "read:logs_users")
# Of each attribute one change; the last three are of nothing that can be read.
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
BY_READ_USER = {"name", "user_metadata", "blocked", "identities"}
BY_ROLES = {"roles", "permissions"}
APP_METADATA = {"app_metadata", "app_metadata as a whole"}


def row(principal: Principal, document: dict[str, Any]) -> Row:
    """As it reaches the schema."""
    return Row(LOG_EVENT, document, readable(principal, principal.is_self(document.get("user"))))


def document(about: Any, **more: Any) -> dict[str, Any]:
    at = now()
    event = LogEvent(
        id=Key("e"),
        tenant="t",
        type=LogEventType.USER_METADATA_UPDATED,
        date=at,
        recorded_at=at,
        user=about,
        changes=tuple(FieldChange(*each) for each in CHANGES.values()),
        **more,
    )
    return to_document(event)


@dataclass(frozen=True)
class Case:
    """`shown` are the names of CHANGES that this reader sees of an event about this user."""

    name: str
    reader: Principal
    about: Key | None
    shown: set[str]


CASES = [
    Case("own", ME, OWN, BY_READ_USER | BY_ROLES),
    Case("own linked account", ME, LINKED, BY_READ_USER | BY_ROLES),
    Case("own, with every scope", user(*ALL_SCOPES), OWN, BY_READ_USER | BY_ROLES),
    Case("own linked account, with every scope", user(*ALL_SCOPES), LINKED, BY_READ_USER | BY_ROLES),
    Case("own, without scopes", user(), OWN, set()),
    Case("another user's", ME, OTHER, set()),
    Case("another user's, with every scope", user(*ALL_SCOPES), OTHER, BY_READ_USER | BY_ROLES | APP_METADATA),
    Case("another user's, with read:users", user("read:users"), OTHER, BY_READ_USER | BY_ROLES),
    Case("application, with read:current_user", application("read:current_user"), OTHER, set()),
    Case("application, with read:users", SUPPORT, OTHER, BY_READ_USER | BY_ROLES),
    Case("application, with read:users_app_metadata", application("read:users_app_metadata"), OTHER, APP_METADATA),
    Case("application, with both", ADMIN, OTHER, BY_READ_USER | BY_ROLES | APP_METADATA),
    Case("application, with read:roles", application("read:roles"), OTHER, BY_ROLES),
    Case("application, with read:logs", application("read:logs", "read:logs_users"), OTHER, set()),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_changes_are_shown_as_far_as_they_may_be_read(case: Case) -> None:
    shown = row(case.reader, document(case.about)).read("changes")
    assert shown == [FieldChange(*CHANGES[name]) for name in CHANGES if name in case.shown]


def test_event_without_changes_has_none_to_show() -> None:
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
def test_root_of_a_path_is_its_first_name(path: str, root: str) -> None:
    assert root_of(path) == root


def test_readable_roots_are_attributes_of_a_user() -> None:
    assert readable_roots(frozenset()) == set()
    assert readable_roots(readable(application(*ALL_SCOPES), False)) == set(USER.attributes)
    assert "app_metadata" not in readable_roots(readable(user(*ALL_SCOPES), True))


# ---------------------------------------------------------------- somebody else's act


ACT: dict[str, Any] = {
    "actor": Actor("APPLICATION", "tool", "Support"),
    "ip": "203.0.113.7",
    "location": {"city_name": "Here"},
    "user_agent": "curl",
    "reason": "because",
    "details": {"x": 1},
}


@pytest.mark.parametrize("about", [OWN, LINKED])
def test_user_does_not_see_why_somebody_else_acted(about: str) -> None:
    event = row(ME, document(about, **ACT))
    assert {name: event.read(name) for name in PERSONAL} == dict.fromkeys(PERSONAL)
    assert event.read("actor") == Actor("APPLICATION", "tool")
    # What happened stays visible.
    assert event.read("type") is LogEventType.USER_METADATA_UPDATED


@pytest.mark.parametrize(
    ("reader", "about"), [(SUPPORT, OTHER), (application("read:logs"), OTHER), (user("read:logs_users"), OTHER)]
)
def test_reader_of_logs_sees_why_somebody_acted(reader: Principal, about: str) -> None:
    event = row(reader, document(about, **ACT))
    assert None not in [event.read(name) for name in PERSONAL]
    assert event.read("actor") == ACT["actor"]


def test_user_sees_everything_of_their_own_act() -> None:
    own = {name: value for name, value in ACT.items() if name != "actor"}
    event = row(ME, document(OWN, **own))
    assert None not in [event.read(name) for name in PERSONAL]
    assert event.read("actor") is None


# ---------------------------------------------------------------- lists


@dataclass(frozen=True)
class Listed:
    """Which of the events about whom, with changes of which attributes, a reader finds."""

    name: str
    reader: Principal
    found: set[str]


EVENTS: dict[str, tuple[Key | None, tuple[str, ...]]] = {
    f"{about or 'nobody'}: {', '.join(changed) or 'nothing'}": (about, changed)
    for about in (OWN, LINKED, OTHER, None)
    for changed in ((), ("name",), ("app_metadata.plan",), ("app_metadata", "name"), ("roles",), ("password_hash",))
}


def found_by(readable_own: set[str], readable_others: set[str]) -> set[str]:
    """Events with nothing in them, and those in which something is left to see."""
    found = set()
    for name, (about, changed) in EVENTS.items():
        seen = readable_own if about in (OWN, LINKED) else readable_others
        if not changed or any(each.partition(".")[0] in seen for each in changed):
            found.add(name)
    return found


USERS, METADATA, ROLES = {"name", "roles"}, {"app_metadata"}, {"roles"}
LISTED = [
    Listed("user", ME, found_by(USERS, set())),
    Listed("user without scopes", user(), found_by(set(), set())),
    Listed("user with every scope", user(*ALL_SCOPES), found_by(USERS, USERS | METADATA)),
    Listed("user with read:users_app_metadata", user("read:users_app_metadata"), found_by(set(), METADATA)),
    Listed("application without scopes", application(), found_by(set(), set())),
    Listed("application with read:users", SUPPORT, found_by(USERS, USERS)),
    Listed("application with read:roles", application("read:roles"), found_by(ROLES, ROLES)),
    Listed("application with both", ADMIN, found_by(USERS | METADATA, USERS | METADATA)),
]


@pytest.mark.parametrize("listed", LISTED, ids=lambda listed: listed.name)
def test_event_of_which_nothing_remains_is_not_listed(listed: Listed) -> None:
    events: Any = mongomock.MongoClient().db.events
    for name, (about, changed) in EVENTS.items():
        roots = sorted({root_of(each) for each in changed})
        events.insert_one({"_id": name, "tenant": "t", "user": about} | ({"roots": roots} if roots else {}))
    found = {each["_id"] for each in events.find(to_query(LOG_EVENT, "t", visible_events(listed.reader)))}
    assert found == listed.found


def test_reader_of_everything_is_shown_every_event() -> None:
    """The filter is empty, so that the index alone answers."""
    assert visible_events(application(*ALL_SCOPES)) == filters.ALL
