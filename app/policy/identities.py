"""Linking: what a user's token must not bring to the caller's own profile, or take away from it."""

from collections.abc import Mapping

from app.domain.identities import Access
from app.domain.principals import Principal
from app.domain.rules import ASSIGN_ROLES, GRANT_PERMISSIONS, UPDATE_APP_METADATA, Rule
from app.policy.rules import holds

_GIVING: Mapping[Access, Rule] = {
    Access.APP_METADATA: UPDATE_APP_METADATA,
    Access.ROLES: ASSIGN_ROLES,
    Access.PERMISSIONS: GRANT_PERMISSIONS,
}


def why_not_linked(principal: Principal, primary: object, secondary: object) -> str | None:
    """Why the caller may not link one profile to another, for a person; None where they may. Both are `_id`s.

    As the secondary of another profile, the caller's own would take over that profile's app_metadata, roles,
    permissions and block, whatever scopes the token has. An account that is linked to the caller's is their own too.
    """
    if principal.is_self(secondary) and not principal.is_self(primary):
        return "Not allowed to link your own profile to another one: link the other account to yours."
    return None


def shared_access(principal: Principal, primary: object, secondary: object) -> frozenset[Access]:
    """What the primary takes over from the secondary. Both are `_id`s.

    Each part comes along only when the caller may give it to users by its own mutation. Nothing does when the caller's
    own profile is one of the two.
    """
    if principal.is_self(primary) or principal.is_self(secondary):
        return frozenset()
    return frozenset(access for access, rule in _GIVING.items() if holds(principal, rule))
