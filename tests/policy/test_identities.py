"""Linking: users do not link their own profile to another one, and get no access by a link."""

import pytest

from app.domain.identities import Access
from app.domain.ids import Key
from app.domain.principals import Principal
from app.policy.identities import shared_access, why_not_linked
from tests.policy.callers import LINKED, OTHER, OWN, application, user, user_without_profile
from tests.world import ALL_SCOPES

UNRELATED = Key("unrelated")
ALL_ACCESS = frozenset(Access)
USER, NEW_USER, APPLICATION = user(*ALL_SCOPES), user_without_profile(*ALL_SCOPES), application(*ALL_SCOPES)


@pytest.mark.parametrize(
    ("principal", "primary", "secondary", "refused"),
    [
        (USER, UNRELATED, OWN, True),
        (USER, UNRELATED, LINKED, True),
        (USER, OWN, UNRELATED, False),
        (USER, LINKED, UNRELATED, False),
        (USER, UNRELATED, OTHER, False),
        # The service refuses these two links for every caller, before it asks the policy.
        (USER, OWN, OWN, False),
        (USER, OWN, LINKED, False),
        (NEW_USER, UNRELATED, OTHER, False),
        (NEW_USER, UNRELATED, None, False),
        (APPLICATION, UNRELATED, OWN, False),
    ],
)
def test_own_profile_is_never_a_secondary(
    principal: Principal, primary: object, secondary: object, refused: bool
) -> None:
    assert (why_not_linked(principal, primary, secondary) is not None) is refused


@pytest.mark.parametrize(
    ("principal", "primary", "secondary", "shared"),
    [
        (USER, OWN, UNRELATED, False),
        (USER, LINKED, UNRELATED, False),
        (USER, UNRELATED, OWN, False),
        (USER, UNRELATED, LINKED, False),
        (USER, UNRELATED, OTHER, True),
        (NEW_USER, UNRELATED, OTHER, True),
        (APPLICATION, OWN, UNRELATED, True),
    ],
)
def test_access_is_not_shared_with_own_profile(
    principal: Principal, primary: object, secondary: object, shared: bool
) -> None:
    assert shared_access(principal, primary, secondary) == (ALL_ACCESS if shared else frozenset())


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("update:users_app_metadata", {Access.ROLES, Access.PERMISSIONS}),
        ("create:role_members", {Access.APP_METADATA, Access.PERMISSIONS}),
        ("update:users", {Access.APP_METADATA}),
        ("delete:role_members", ALL_ACCESS),
    ],
)
def test_each_part_of_access_needs_its_own_scopes(missing: str, expected: set[Access]) -> None:
    caller = application(*(scope for scope in ALL_SCOPES if scope != missing))
    assert shared_access(caller, UNRELATED, OTHER) == expected


def test_refusal_says_which_link_is_possible() -> None:
    message = "Not allowed to link your own profile to another profile. Link the other account to yours instead."
    assert why_not_linked(USER, UNRELATED, OWN) == message
