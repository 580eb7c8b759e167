"""What is read for a selection, and what a row gives to whom."""

from datetime import datetime
from typing import Any

import pytest

from app.domain.attributes.users import USER
from app.domain.errors import Forbidden
from app.domain.rows import Attribute, Kind, Row, to_camel, to_json
from app.domain.rules import READ_APP_METADATA, READING, ReadableRules, Rule
from app.domain.scopes import Scope

SECRET = Rule("read secrets", (frozenset({Scope.READ_USERS, Scope.READ_LOGS}), frozenset({Scope.READ_ROLES})))
ALL, NOTHING = ReadableRules({SECRET}), ReadableRules()
AT = datetime(2026, 1, 31, 12)


def attribute(name: str, *stored: str, **more: Any) -> Attribute:
    more.setdefault("value", lambda row: row.record.get(name))
    return Attribute(name=name, description="", stored=stored or (name,), **more)


PART = Kind("Part", needs=("kind",))
PART.add([attribute("size", raw=True), attribute("token", read=SECRET), attribute("label", "first", "last", raw=True)])


def parts(row: Row) -> list[Row]:
    return [Row(PART, each, row.readable) for each in row.record.get("parts", [])]


THING = Kind("Thing", "things", needs=("owner",))
THING.add(
    [
        attribute("name", raw=True),
        attribute("secret", raw=True, read=SECRET),
        attribute("at", raw=True),
        attribute("hidden"),
        attribute("parts", raw=True, nested=PART, value=parts),
        attribute("groups", "group_ids", joins=frozenset({"groups"})),
        attribute("keys", "key_ids", joins=frozenset({"keys", "groups"}), read=SECRET),
    ]
)
THING.add([attribute("raw", "nowhere", value=Row.raw, covers=tuple(THING.attributes_in_raw()))])
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
        # Inside of what is nested: what was asked for there, and all of its raw where nothing was.
        ({"parts": {"size": {}}}, ALL, {"parts.kind", "parts.size"}),
        ({"parts": {"label": {}}}, ALL, {"parts.kind", "parts.first", "parts.last"}),
        ({"parts": {"token": {}}}, ALL, {"parts.kind", "parts.token"}),
        ({"parts": {"token": {}}}, NOTHING, {"parts.kind"}),
        ({"parts": {"size": {}, "token": {}}}, NOTHING, {"parts.kind", "parts.size"}),
        ({"parts": {}}, ALL, IN_PARTS),
        # Raw is made of others, each of them read by its own rule.
        ({"raw": {}}, ALL, {"nowhere", "name", "secret", "at", *IN_PARTS}),
        ({"raw": {}}, NOTHING, {"nowhere", "name", "at", *IN_PARTS}),
        ({"raw": {}, "hidden": {}}, NOTHING, {"nowhere", "name", "at", "hidden", *IN_PARTS}),
        ({"parts": {"size": {}}, "raw": {}}, NOTHING, {"nowhere", "name", "at", *IN_PARTS}),
    ],
)
def test_what_leaves_the_database_is_what_was_asked_for_and_may_be_read(
    selection: Any, readable: frozenset[Rule], paths: set[str]
) -> None:
    assert THING.projection(selection, readable) == {"owner", *paths}


@pytest.mark.parametrize("names", [("raw", "parts"), ("parts", "raw")])
def test_raw_takes_nothing_away_from_what_is_asked_for_beside_it(names: tuple[str, str]) -> None:
    selection = {name: {"token": {}} if name == "parts" else {} for name in names}
    assert "parts.token" in THING.projection(selection, ALL)


def test_a_providers_token_is_read_beside_raw() -> None:
    paths = USER.projection({"raw": {}, "identities": {"access_token": {}}}, frozenset(READING))
    assert "identities.access_token" in paths


def test_a_selection_says_what_to_put_beside_the_document() -> None:
    assert THING.joins({"name": {}}, ALL) == frozenset()
    assert THING.joins({"groups": {}}, NOTHING) == {"groups"}
    assert THING.joins({"groups": {}, "keys": {}}, ALL) == {"groups", "keys"}
    assert THING.joins({"keys": {}}, NOTHING) == frozenset()
    assert THING.joins({}, ALL) == frozenset()


# ---------------------------------------------------------------- rows


def test_a_row_gives_what_may_be_read() -> None:
    document = {"_id": 1, "name": "n", "secret": "s"}
    assert Row(THING, document, ALL).read("secret") == "s"
    assert Row(THING, document, NOTHING).read("name") == "n"
    assert Row(THING, {"_id": 1}, ALL).read("secret") is None


def test_what_may_not_be_read_is_refused_and_its_value_is_never_made() -> None:
    def fail(row: Row) -> None:
        raise AssertionError

    kind = Kind("Kind")
    kind.add([attribute("secret", read=SECRET, value=fail)])
    with pytest.raises(Forbidden) as forbidden:
        Row(kind, {"secret": "s"}, NOTHING).read("secret")
    assert forbidden.value.scopes == [["read:logs", "read:users"], ["read:roles"]]
    assert SECRET.name in forbidden.value.message


def test_refused_field_of_oneself_names_no_useless_scope() -> None:
    """No scope lets users read it of themselves, so none is told; of anybody else one would help."""
    kind = Kind("Kind")
    kind.add([attribute("secret", read=READ_APP_METADATA)])
    for is_self, expected in ((True, []), (False, [["read:users_app_metadata"]])):
        with pytest.raises(Forbidden) as forbidden:
            Row(kind, {}, ReadableRules(is_self=is_self)).read("secret")
        assert forbidden.value.scopes == expected


def test_it_is_known_what_may_be_read() -> None:
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
def test_raw_is_the_allow_list_as_far_as_it_may_be_read_and_is_there(
    readable: frozenset[Rule], raw: dict[str, Any]
) -> None:
    row = Row(THING, DOCUMENT, readable)
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
