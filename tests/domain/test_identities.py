"""Linking and unlinking, as pure decisions; end to end they are in tests/schema/test_linking.py."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from app.domain.errors import ErrorCode, Refused
from app.domain.identities import MAX_IDENTITIES, LinkMetadata, check_link, link, unlink
from app.domain.users import Identity, User

AT = datetime(2026, 1, 1)


def user(handle: str, identities: int = 1, **fields: Any) -> User:
    made = tuple(Identity(provider="oidc", connection="c", user_id=f"{handle}{n}") for n in range(identities))
    return User(
        id=handle, tenant="t", user_id=f"oidc|c|{handle}", identities=made, created_at=AT, updated_at=AT, **fields
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
def test_what_can_not_be_one_is_refused(primary: User, secondary: User, code: ErrorCode) -> None:
    with pytest.raises(Refused) as refused:
        check_link(primary, secondary)
    assert refused.value.code is code


def test_a_user_may_have_sixteen() -> None:
    check_link(user("a", MAX_IDENTITIES - 1), user("b"))


def test_what_was_linked_and_given_back_is_as_it_was() -> None:
    primary = user("a", user_metadata={"x": 1})
    secondary = user("b", user_metadata={"y": 2}, app_metadata={"z": {"k": [1]}}, role_ids=("r",))
    linked, waiting = link(primary, secondary, LinkMetadata.MERGE, with_access=True)
    assert waiting.linked_to == "a"
    assert linked.app_metadata == {"z": {"k": [1]}}
    after, given_back = unlink(linked, waiting, linked.identities[1])
    assert given_back == secondary
    assert after.identities == primary.identities
    # What it was given stays with it.
    assert after.user_metadata == {"x": 1, "y": 2}


def test_what_the_primary_holds_no_more_is_not_given_back() -> None:
    secondary = user(
        "b", app_metadata={"kept": 1, "gone": 2, "changed": 3, "deep": {"kept": 1, "gone": 2}}, role_ids=("r", "s")
    )
    linked, waiting = link(user("a"), secondary, LinkMetadata.MERGE, with_access=True)

    less = replace(linked, app_metadata={"kept": 1, "changed": 4, "deep": {"kept": 1}}, role_ids=("s",))
    _, given_back = unlink(less, waiting, linked.identities[1])
    assert given_back.app_metadata == {"kept": 1, "deep": {"kept": 1}}
    assert given_back.role_ids == ("s",)
