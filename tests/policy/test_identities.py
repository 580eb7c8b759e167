"""Linking in policy: the caller's own profile is never a secondary, and access reaches it in no way."""

import pytest

from app.domain.identities import Access
from app.domain.ids import Key
from app.domain.principals import ActorKind, Principal
from app.domain.scopes import Scope
from app.policy.identities import shared_access, why_not_linked

OWN, LINKED, PUPPET, OTHER = Key("own"), Key("linked"), Key("puppet"), Key("other")
ALL_SCOPES, ALL = frozenset(Scope), frozenset(Access)
USER = Principal("t", "auth0|john", ActorKind.USER, ALL_SCOPES, profile=OWN, linked=(LINKED,))
NOBODY = Principal("t", "auth0|new", ActorKind.USER, ALL_SCOPES)
APPLICATION = Principal("t", "support@clients", ActorKind.APPLICATION, ALL_SCOPES)


@pytest.mark.parametrize(
    ("principal", "primary", "secondary", "refused"),
    [
        (USER, PUPPET, OWN, True),
        (USER, PUPPET, LINKED, True),
        (USER, OWN, PUPPET, False),
        (USER, LINKED, PUPPET, False),
        (USER, PUPPET, OTHER, False),
        # Refused for what these two are, whoever asks.
        (USER, OWN, OWN, False),
        (USER, OWN, LINKED, False),
        (NOBODY, PUPPET, OTHER, False),
        (NOBODY, PUPPET, None, False),
        (APPLICATION, PUPPET, OWN, False),
    ],
)
def test_own_profile_is_never_a_secondary(principal: Principal, primary: str, secondary: str, refused: bool) -> None:
    assert (why_not_linked(principal, primary, secondary) is not None) is refused


@pytest.mark.parametrize(
    ("principal", "primary", "secondary", "shared"),
    [
        (USER, OWN, PUPPET, False),
        (USER, LINKED, PUPPET, False),
        (USER, PUPPET, OWN, False),
        (USER, PUPPET, LINKED, False),
        (USER, PUPPET, OTHER, True),
        (NOBODY, PUPPET, OTHER, True),
        (APPLICATION, OWN, PUPPET, True),
    ],
)
def test_access_is_not_shared_with_own_profile(
    principal: Principal, primary: str, secondary: str, shared: bool
) -> None:
    assert shared_access(principal, primary, secondary) == (ALL if shared else frozenset())


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("update:users_app_metadata", {Access.ROLES, Access.PERMISSIONS}),
        ("create:role_members", {Access.APP_METADATA, Access.PERMISSIONS}),
        ("update:users", {Access.APP_METADATA}),
        ("delete:role_members", ALL),
    ],
)
def test_each_part_of_access_needs_its_own_scopes(missing: str, expected: set[Access]) -> None:
    principal = Principal("t", "support@clients", ActorKind.APPLICATION, ALL_SCOPES - {Scope(missing)})
    assert shared_access(principal, PUPPET, OTHER) == expected
