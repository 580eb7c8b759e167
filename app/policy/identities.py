"""Linking: which links are refused, and which access of the second account the profile gets.

A link is refused if users would give rights to their own profile with it, or escape a block. `domain/identities.py`
combines the values.
"""

from collections.abc import Mapping

from app.domain.identities import Access
from app.domain.principals import Principal
from app.domain.rules import ASSIGN_ROLES, GRANT_PERMISSIONS, UPDATE_APP_METADATA, Rule
from app.policy.rules import holds

# The rule of the mutation that gives each kind of access directly.
_RULES: Mapping[Access, Rule] = {
    Access.APP_METADATA: UPDATE_APP_METADATA,
    Access.ROLES: ASSIGN_ROLES,
    Access.PERMISSIONS: GRANT_PERMISSIONS,
}


def why_not_linked(principal: Principal, primary: object, secondary: object) -> str | None:
    """Returns why the caller may not link the secondary profile to the primary, in words for a person, or None.

    Both arguments are `_id`s of profiles.
    """
    # The caller would sign in as the primary profile after this link, and so get its app_metadata, roles and
    # permissions, and lose a block. No scope allows users to do this to themselves. `is_self` is also true for
    # accounts that are linked to the caller's profile.
    if principal.is_self(secondary) and not principal.is_self(primary):
        return "Not allowed to link your own profile to another profile. Link the other account to yours instead."
    return None


def shared_access(principal: Principal, primary: object, secondary: object) -> frozenset[Access]:
    """Returns what the primary profile gets from the secondary. Both arguments are `_id`s of profiles.

    The result contains each kind of access that the caller may also give by its own mutation. It is empty when one of
    the two is the caller's own profile.
    """
    # Users never give access to themselves. Without this check, they could create another account, have it given
    # roles, and link it.
    if principal.is_self(primary) or principal.is_self(secondary):
        return frozenset()
    return frozenset(access for access, rule in _RULES.items() if holds(principal, rule))
