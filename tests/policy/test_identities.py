"""Linking in policy: the caller's own profile is never a secondary, and access reaches it in no way."""

import pytest

from app.domain.principals import ActorKind, Principal
from app.domain.scopes import Scope
from app.policy.identities import shares_access, why_not_linked

OWN, LINKED, PUPPET, OTHER = "own", "linked", "puppet", "other"
EVERYTHING = frozenset(Scope)
USER = Principal("t", "auth0|john", ActorKind.USER, EVERYTHING, profile=OWN, linked=(LINKED,))
NOBODY = Principal("t", "auth0|new", ActorKind.USER, EVERYTHING)
APPLICATION = Principal("t", "support@clients", ActorKind.APPLICATION, EVERYTHING)


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
    assert shares_access(principal, primary, secondary) is shared


@pytest.mark.parametrize("missing", ["update:users", "update:users_app_metadata"])
def test_access_is_shared_with_both_scopes_only(missing: str) -> None:
    principal = Principal("t", "support@clients", ActorKind.APPLICATION, EVERYTHING - {Scope(missing)})
    assert shares_access(principal, PUPPET, OTHER) is False
