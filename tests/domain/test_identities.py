"""The pure decisions of linking and unlinking. tests/schema/test_linking.py tests them through the API."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from app.domain.errors import ErrorCode, Refused
from app.domain.identities import MAX_IDENTITIES, Access, LinkMetadata, check_link, link, unlink
from app.domain.ids import Key
from app.domain.users import Identity, User

ALL = frozenset(Access)
AT = datetime(2026, 1, 1)


def user(handle: str, identities: int = 1, **fields: Any) -> User:
    made = tuple(Identity(provider="oidc", connection="c", user_id=f"{handle}{n}") for n in range(identities))
    return User(
        id=Key(handle), tenant="t", user_id=f"oidc|c|{handle}", identities=made, created_at=AT, updated_at=AT, **fields
    )


@pytest.mark.parametrize(
    ("primary", "secondary", "code"),
    [
        (user("a"), user("a"), ErrorCode.INVALID_INPUT),
        (user("a", blocked=True), user("b"), ErrorCode.USER_BLOCKED),
        (user("a"), user("b", blocked=True), ErrorCode.USER_BLOCKED),
        (user("a"), user("b", 2), ErrorCode.INVALID_INPUT),
        (user("a", MAX_IDENTITIES), user("b"), ErrorCode.TOO_LARGE),
    ],
)
def test_profiles_that_cannot_be_linked_are_refused(primary: User, secondary: User, code: ErrorCode) -> None:
    with pytest.raises(Refused) as refused:
        check_link(primary, secondary)
    assert refused.value.code is code


def test_user_has_at_most_sixteen_identities() -> None:
    check_link(user("a", MAX_IDENTITIES - 1), user("b"))


def test_unlink_restores_the_secondary() -> None:
    primary = user("a", user_metadata={"x": 1})
    secondary = user("b", user_metadata={"y": 2}, app_metadata={"z": {"k": [1]}}, role_ids=("r",))
    linked, waiting = link(primary, secondary, LinkMetadata.MERGE, ALL)
    assert waiting.linked_to == Key("a")
    assert linked.app_metadata == {"z": {"k": [1]}}
    after, given_back = unlink(linked, waiting, linked.identities[1])
    assert given_back == secondary
    assert after.identities == primary.identities
    # The primary profile keeps what it got from the secondary.
    assert after.user_metadata == {"x": 1, "y": 2}


def test_unlink_does_not_restore_what_the_primary_lost() -> None:
    secondary = user(
        "b", app_metadata={"kept": 1, "gone": 2, "changed": 3, "deep": {"kept": 1, "gone": 2}}, role_ids=("r", "s")
    )
    linked, waiting = link(user("a"), secondary, LinkMetadata.MERGE, ALL)

    less = replace(linked, app_metadata={"kept": 1, "changed": 4, "deep": {"kept": 1}}, role_ids=(Key("s"),))
    _, given_back = unlink(less, waiting, linked.identities[1])
    assert given_back.app_metadata == {"kept": 1, "deep": {"kept": 1}}
    assert given_back.role_ids == (Key("s"),)


OWN: dict[str, Any] = {
    "kept": 1,
    "both": 2,
    "gone": 3,
    "deep": {"own": 1, "gone": 2},
    "flag": True,
    "list": [1, {"a": 1}],
}
HELD: dict[str, Any] = {"both": 2, "gone": 3, "deep": {"gone": 2}, "flag": 1, "list": [1, {"a": 1}], "more": 5}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (HELD, OWN),
        ({**HELD, "more": 6, "new": 7}, OWN),
        ({}, {"kept": 1, "deep": {"own": 1}, "flag": True}),
        ({**HELD, "gone": 4, "deep": {}}, {**OWN, "deep": {"own": 1}} | {"gone": ...}),
        ({**HELD, "list": [1]}, {**OWN, "list": ...}),
        ({**HELD, "deep": "text"}, {**OWN, "deep": {"own": 1}}),
    ],
)
def test_unlink_gives_back_app_metadata_not_taken(now: dict[str, Any], expected: dict[str, Any]) -> None:
    secondary = user("b", app_metadata=OWN)
    linked, waiting = link(user("a", app_metadata=HELD), secondary, LinkMetadata.MERGE, ())
    assert linked.app_metadata == HELD
    _, given_back = unlink(replace(linked, app_metadata=now), waiting, linked.identities[1])
    assert given_back.app_metadata == {name: value for name, value in expected.items() if value is not ...}
    assert given_back.primary_access is None


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (("held",), ("own", "held")),
        # The roles were changed after the link, so the account gets no others.
        ((), ()),
        (("held", "new"), ("held",)),
        (("own",), ("own",)),
    ],
)
def test_unlink_gives_back_roles_unless_changed_since(now: Any, expected: Any) -> None:
    def permissions(names: tuple[str, ...]) -> tuple[dict[str, str], ...]:
        return tuple({"api": "q", "name": each} for each in names)

    held, own = ("held",), ("own", "held")
    primary = user("a", role_ids=held, permissions=permissions(held))
    secondary = user("b", role_ids=own, permissions=permissions(own))
    linked, waiting = link(primary, secondary, LinkMetadata.MERGE, ())
    changed = replace(linked, role_ids=now, permissions=permissions(now))
    _, given_back = unlink(changed, waiting, linked.identities[1])
    assert given_back.role_ids == expected
    assert given_back.permissions == permissions(expected)


def test_unlink_gives_back_what_a_link_without_access_kept() -> None:
    secondary = user("b", app_metadata={"banned": True}, role_ids=("r",), permissions=({"api": "q", "name": "p"},))
    linked, waiting = link(user("a"), secondary, LinkMetadata.PREFER_SECONDARY, ())
    assert (linked.app_metadata, linked.role_ids, linked.permissions) == ({}, (), ())
    assert unlink(linked, waiting, linked.identities[1])[1] == secondary


ACCESS_OF: dict[Access, Any] = {
    Access.APP_METADATA: ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
    Access.ROLES: (("r",), ("s",), ("r", "s")),
    Access.PERMISSIONS: (
        ({"api": "q", "name": "p"},),
        ({"api": "q", "name": "o"},),
        ({"api": "q", "name": "p"}, {"api": "q", "name": "o"}),
    ),
}


@pytest.mark.parametrize("shared", [{each} for each in Access] + [ALL - {each} for each in Access], ids=sorted)
def test_link_shares_some_and_unlink_gives_back_all(shared: frozenset[Access]) -> None:
    primary = user("a", **{str(name): held for name, (held, _, _) in ACCESS_OF.items()})
    secondary = user("b", **{str(name): held for name, (_, held, _) in ACCESS_OF.items()})
    linked, waiting = link(primary, secondary, LinkMetadata.MERGE, shared)
    for name, (before, _, both) in ACCESS_OF.items():
        assert getattr(linked, name) == (both if name in shared else before)
    assert set(waiting.primary_access or {}) == ALL - shared
    assert unlink(linked, waiting, linked.identities[1])[1] == secondary


@pytest.mark.parametrize("shared", list(Access))
def test_unlink_takes_away_the_shared_part_taken_since(shared: Access) -> None:
    primary = user("a", **{str(name): held for name, (held, _, _) in ACCESS_OF.items()})
    secondary = user("b", **{str(name): held for name, (_, held, _) in ACCESS_OF.items()})
    linked, waiting = link(primary, secondary, LinkMetadata.MERGE, {shared})
    less = replace(linked, **{str(shared): ACCESS_OF[shared][0]})
    _, given_back = unlink(less, waiting, linked.identities[1])
    nothing: Any = {} if shared is Access.APP_METADATA else ()
    assert given_back == replace(secondary, **{str(shared): nothing})


def test_unlink_gives_back_app_metadata_kept_apart() -> None:
    """With KEEP_PRIMARY the primary gets nothing, so the secondary gets everything back."""
    primary, secondary = user("a", app_metadata={"plan": "free"}), user("b", app_metadata={"plan": "pro", "beta": 1})
    linked, waiting = link(primary, secondary, LinkMetadata.KEEP_PRIMARY, ALL)
    assert linked.app_metadata == {"plan": "free"}
    assert unlink(linked, waiting, linked.identities[1])[1] == secondary
