"""Which stored fields are read for a selection, and which attributes of a row a reader gets."""

from datetime import datetime
from typing import Any

import pytest

from app.domain.attributes.users import USER
from app.domain.errors import Forbidden
from app.domain.kinds import OPEN, Join, Kind, Order, RawDocument, Takes, computed, nested, owned, referenced, stored
from app.domain.rows import Row, to_camel, to_json
from app.domain.rules import READ_APP_METADATA, READING, ReadableRules, Rule
from app.domain.scopes import Scope

SECRET = Rule("read secrets", (frozenset({Scope.READ_USERS, Scope.READ_LOGS}), frozenset({Scope.READ_ROLES})))
ALL, NOTHING = ReadableRules({SECRET}), ReadableRules()
AT = datetime(2026, 1, 31, 12)


PART = Kind("Part", needs=("kind",))
PART.add(
    [
        stored("size", "", in_raw=True),
        stored("token", "", read=SECRET),
        computed("label", "", lambda record: record.get("label"), needs=("first", "last"), in_raw=True),
        computed("position", "", lambda record, joined: joined["position"], takes=Takes.JOINED),
        computed(
            "key", "", lambda record, joined: joined.get("key"), takes=Takes.JOINED, joins=frozenset({Join.TOKENS})
        ),
    ]
)
GROUP = Kind("Group", "groups")
GROUP.add([stored("name", "")])

THING = Kind("Thing", "things", needs=("owner",))
THING.add(
    [
        stored("name", "", in_raw=True),
        stored("secret", "", in_raw=True, read=SECRET),
        stored("at", "", in_raw=True),
        stored("hidden", ""),
        stored("year", "", path="at", conversion=lambda at: at.year, default=0),
        nested("parts", "", PART, in_raw=True),
        referenced("groups", "", GROUP, path="group_ids", join=Join.ROLES),
        computed(
            "keys",
            "",
            lambda record, joined: (record["key_ids"], joined["connection"]),
            needs=("key_ids",),
            takes=Takes.JOINED,
            joins=frozenset({Join.CONNECTION, Join.ROLES}),
            read=SECRET,
        ),
        computed("rights", "", lambda _, readable: len(readable), takes=Takes.READABLE),
        owned("friends", "", "Thing", order=Order("name", 1), limit=9, read=SECRET, paths=("linked",)),
        RawDocument(name="raw", description="", paths=("nowhere",)),
    ]
)
IN_PARTS = {"parts.kind", "parts.size", "parts.first", "parts.last"}


# ---------------------------------------------------------------- projection


@pytest.mark.parametrize(
    ("selection", "readable", "paths"),
    [
        ({}, ALL, set()),
        ({"name": {}}, ALL, {"name"}),
        ({"secret": {}}, ALL, {"secret"}),
        ({"secret": {}}, NOTHING, set()),
        ({"name": {}, "secret": {}, "unknown": {}}, NOTHING, {"name"}),
        ({"groups": {"name": {}}}, ALL, {"group_ids"}),
        # In a nested object: the requested fields, or all fields when none is requested.
        ({"parts": {"size": {}}}, ALL, {"parts.kind", "parts.size"}),
        ({"parts": {"label": {}}}, ALL, {"parts.kind", "parts.first", "parts.last"}),
        ({"parts": {"token": {}}}, ALL, {"parts.kind", "parts.token"}),
        ({"parts": {"token": {}}}, NOTHING, {"parts.kind"}),
        ({"parts": {"size": {}, "token": {}}}, NOTHING, {"parts.kind", "parts.size"}),
        ({"parts": {}}, ALL, IN_PARTS),
        # `raw` contains other attributes, and each of them has its own rule.
        ({"raw": {}}, ALL, {"nowhere", "name", "secret", "at", *IN_PARTS}),
        ({"raw": {}}, NOTHING, {"nowhere", "name", "at", *IN_PARTS}),
        ({"raw": {}, "hidden": {}}, NOTHING, {"nowhere", "name", "at", "hidden", *IN_PARTS}),
        ({"parts": {"size": {}}, "raw": {}}, NOTHING, {"nowhere", "name", "at", *IN_PARTS}),
    ],
)
def test_projection_has_requested_and_readable_fields_only(
    selection: Any, readable: frozenset[Rule], paths: set[str]
) -> None:
    assert THING.projection(selection, readable) == {"owner", *paths}


@pytest.mark.parametrize("names", [("raw", "parts"), ("parts", "raw")])
def test_raw_removes_no_other_requested_attribute(names: tuple[str, str]) -> None:
    selection: Any = {name: {"token": {}} if name == "parts" else {} for name in names}
    assert "parts.token" in THING.projection(selection, ALL)


def test_provider_token_is_read_together_with_raw() -> None:
    paths = USER.projection({"raw": {}, "identities": {"access_token": {}}}, frozenset(READING))
    assert "identities.access_token" in paths


def test_selection_decides_which_data_is_joined() -> None:
    assert THING.joins({"name": {}}, ALL) == frozenset()
    assert THING.joins({"groups": {}}, NOTHING) == {Join.ROLES}
    assert THING.joins({"groups": {}, "keys": {}}, ALL) == {Join.ROLES, Join.CONNECTION}
    assert THING.joins({"parts": {"key": {}}}, ALL) == {Join.TOKENS}
    assert THING.joins({"keys": {}}, NOTHING) == frozenset()
    assert THING.joins({}, ALL) == frozenset()


# ---------------------------------------------------------------- rows


def test_row_returns_readable_attributes() -> None:
    document = {"_id": 1, "name": "n", "secret": "s"}
    assert Row(THING, document, ALL).read("secret") == "s"
    assert Row(THING, document, NOTHING).read("name") == "n"
    assert Row(THING, {"_id": 1}, ALL).read("secret") is None


def test_unreadable_attribute_is_refused_without_computing_it() -> None:
    def fail(record: Any) -> None:
        raise AssertionError

    kind = Kind("Kind")
    kind.add([computed("secret", "", fail, read=SECRET)])
    with pytest.raises(Forbidden) as forbidden:
        Row(kind, {"secret": "s"}, NOTHING).read("secret")
    assert forbidden.value.scopes == [["read:logs", "read:users"], ["read:roles"]]
    assert SECRET.name in forbidden.value.message


def test_refused_field_of_own_profile_names_no_scope() -> None:
    """No scope helps for the reader's own profile, so the error names none. For other profiles it names the scope."""
    kind = Kind("Kind")
    kind.add([stored("secret", "", read=READ_APP_METADATA)])
    for is_self, expected in ((True, []), (False, [["read:users_app_metadata"]])):
        with pytest.raises(Forbidden) as forbidden:
            Row(kind, {}, ReadableRules(is_self=is_self)).read("secret")
        assert forbidden.value.scopes == expected


def test_attribute_without_a_rule_has_the_default_of_its_kind() -> None:
    kind = Kind("Kind", default=SECRET)
    kind.add([stored("name", ""), stored("id", "", read=OPEN), stored("other", "", read=READ_APP_METADATA)])
    assert {name: each.read for name, each in kind.attributes.items()} == {
        "name": SECRET,
        "id": None,
        "other": READ_APP_METADATA,
    }
    row = Row(kind, {"name": "n", "id": 1}, NOTHING)
    assert row.read("id") == 1
    with pytest.raises(Forbidden):
        row.read("name")


def test_each_declaration_names_the_fields_it_needs() -> None:
    record = {"at": AT, "group_ids": [1], "key_ids": [7], "parts": [{"size": 1}, {"size": 2}]}
    joined = {"groups": [{"name": "g"}], "connection": "c", "parts": [{"key": "k"}, {}]}
    row = Row(THING, record, ALL, joined)
    assert (row.read("year"), Row(THING, {"at": None}, ALL).read("year"), Row(THING, {}, ALL).read("year")) == (
        2026,
        0,
        0,
    )
    assert [each.read("name") for each in row.read("groups")] == ["g"]
    assert row.read("keys") == ([7], "c")
    assert row.read("rights") == 1
    assert [(each.read("position"), each.read("key")) for each in row.read("parts")] == [(0, "k"), (1, None)]


def test_computed_value_is_computed_once_for_a_row() -> None:
    calls: list[Any] = []
    kind = Kind("Kind")
    kind.add([computed("costly", "", calls.append), nested("parts", "", PART)])
    row = Row(kind, {"parts": [{}]}, NOTHING)
    for _ in range(30):
        assert row.read("costly") is None
        assert row.read("parts") is row.read("parts")
    assert calls == [{"parts": [{}]}]
    Row(kind, {}, NOTHING).read("costly")
    assert len(calls) == 2


def test_attribute_of_a_service_has_a_rule_but_no_value() -> None:
    with pytest.raises(Forbidden):
        Row(THING, {}, NOTHING).require("friends")
    Row(THING, {}, ALL).require("friends")
    with pytest.raises(KeyError):
        Row(THING, {}, ALL).read("friends")


def test_row_knows_its_readable_attributes() -> None:
    for row, expected in [(Row(THING, {}, ALL), True), (Row(THING, {}, NOTHING), False)]:
        assert row.may_read("name")
        assert row.may_read("secret") is expected
        assert not row.may_read("unknown")


DOCUMENT = {
    "_id": 1,
    "name": "n",
    "secret": "s",
    "at": AT,
    "hidden": "h",
    "parts": [{"size": 0, "token": "t", "label": False}, {"size": None, "label": ""}],
}
RAW_PARTS = [{"size": 0, "label": False}, {"label": ""}]


@pytest.mark.parametrize(
    ("readable", "raw"),
    [
        (ALL, {"name": "n", "secret": "s", "at": "2026-01-31T12:00:00.000Z", "parts": RAW_PARTS}),
        (NOTHING, {"name": "n", "at": "2026-01-31T12:00:00.000Z", "parts": RAW_PARTS}),
    ],
)
def test_raw_has_allowed_readable_existing_attributes_only(readable: frozenset[Rule], raw: dict[str, Any]) -> None:
    row = Row(THING, DOCUMENT, ReadableRules(readable))
    assert row.raw() == raw
    assert row.read("raw") == raw


def test_raw_leaves_out_what_is_absent_and_keeps_what_is_empty() -> None:
    assert Row(THING, {"name": None}, ALL).raw() == {"parts": []}
    assert Row(THING, {"name": "", "secret": 0}, ALL).raw() == {"name": "", "secret": 0, "parts": []}


def test_values_become_json() -> None:
    row = Row(PART, {"size": 1}, NOTHING)
    assert to_json([1, [AT, row], None, {"a": 1}, "x"]) == [
        1,
        ["2026-01-31T12:00:00.000Z", {"size": 1}],
        None,
        {"a": 1},
        "x",
    ]


@pytest.mark.parametrize(
    ("name", "camel"),
    [("name", "name"), ("given_name", "givenName"), ("last_password_reset", "lastPasswordReset"), ("id", "id")],
)
def test_graphql_has_the_name_in_camel_case(name: str, camel: str) -> None:
    assert to_camel(name) == camel
