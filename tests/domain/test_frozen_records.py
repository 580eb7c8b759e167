"""Reading an attribute changes neither the record nor joined data, because requests share both."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.attributes.connections import CONNECTION
from app.domain.attributes.devices import DEVICE
from app.domain.attributes.enrollments import ENROLLMENT
from app.domain.attributes.grants import GRANT
from app.domain.attributes.logs import LOG_EVENT
from app.domain.attributes.roles import ROLE
from app.domain.attributes.users import USER
from app.domain.connections import AuthConnection
from app.domain.kinds import Kind, Provided
from app.domain.rows import Row
from app.domain.rules import READING, ReadableRules
from tests.frozen import FrozenDict, FrozenList, freeze

AT = datetime(2026, 1, 31, tzinfo=UTC)
PERMISSION = {"name": "read:books", "api": "books"}
ROLE_RECORD = {"_id": "r", "role_id": "rol_a", "name": "A", "permissions": [PERMISSION]}
RECORDS: list[tuple[Kind, dict[str, Any]]] = [
    (
        USER,
        {
            "_id": "u",
            "user_id": "auth0|john",
            "name": "John",
            "user_metadata": {"colors": ["red"]},
            "app_metadata": {"plan": {"name": "pro"}},
            "provenance": {"name": {"source": "IDP", "connection": "db", "at": AT}},
            "identities": [
                {"provider": "auth0", "connection": "db", "user_id": "john", "access_token": "v1.x"},
                {"provider": "github", "connection": "hub", "user_id": "7", "profile_data": '{"token": "x", "a": [1]}'},
            ],
            "role_ids": ["r"],
            "permissions": [PERMISSION],
        },
    ),
    (ROLE, ROLE_RECORD),
    (CONNECTION, {"_id": "c", "name": "db", "strategy": "auth0", "sync_root_attributes": "NEVER"}),
    (DEVICE, {"_id": "d", "user": "u", "default_name": "Firefox", "last_location": {"country_code": "DE"}}),
    (GRANT, {"_id": "g", "user": "u", "scopes": ["read:books"]}),
    (ENROLLMENT, {"_id": "e", "user": "u", "type": "totp"}),
    (
        LOG_EVENT,
        {
            "_id": "l",
            "user": "u",
            "type": "LOGIN_SUCCEEDED",
            "actor": {"kind": "APPLICATION", "id": "support", "name": "Support"},
            "changes": [{"path": "user_metadata.colors", "before": ["red"], "after": {"a": 1}}],
            "location": {"country_code": "DE"},
            "details": {"a": [1]},
        },
    ),
]
JOINED = {
    "roles": [ROLE_RECORD],
    "connection": AuthConnection("tenant", "db", "auth0"),
    "locked_out": True,
    "identities": [{"access_token": "secret"}, {}],
}


def read_all(value: Any) -> None:
    """Reads every attribute, including those of nested rows."""
    if isinstance(value, Row):
        for name, attribute in value.kind.attributes.items():
            if not isinstance(attribute, Provided):
                read_all(value.read(name))
    elif isinstance(value, list):
        for each in value:
            read_all(each)


@pytest.mark.parametrize(("kind", "record"), RECORDS, ids=lambda each: each.name if isinstance(each, Kind) else "")
def test_reading_each_attribute_changes_no_record(kind: Kind, record: dict[str, Any]) -> None:
    row = Row(kind, freeze(record), ReadableRules(READING), freeze(JOINED))
    read_all(row)
    # The second reading may return values that the first one computed. It must not change them either.
    read_all(row)
    assert row.record == record
    assert row.joined == JOINED


@pytest.mark.parametrize(
    "change",
    [lambda: FrozenDict(a=1).update(a=2), lambda: FrozenDict().__setitem__("a", 1), lambda: FrozenList().append(1)],
)
def test_frozen_record_refuses_each_change(change: Any) -> None:
    with pytest.raises(AssertionError, match="changed"):
        change()


def test_two_readers_can_share_a_record() -> None:
    record = freeze(RECORDS[0][1])
    for joined, expected in (({"identities": [{"access_token": "secret"}, {}]}, "secret"), ({}, None)):
        first, second = Row(USER, record, ReadableRules(READING), joined).read("identities")
        assert first.read("access_token") == expected
        assert (first.read("is_primary"), second.read("is_primary")) == (True, False)
