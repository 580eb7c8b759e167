"""Linking: what a user's token must not bring to the caller's own profile, or take away from it."""

from app.domain.principals import Principal
from app.domain.rules import LINK_IDENTITY, UPDATE_APP_METADATA
from app.policy.rules import holds


def why_not_linked(principal: Principal, primary: object, secondary: object) -> str | None:
    """Why the caller may not link one profile to another, for a person; None where they may. Both are `_id`s.

    As the secondary of another profile, the caller's own would take over that profile's app_metadata, roles,
    permissions and block, whatever scopes the token has. An account that is linked to the caller's is their own too.
    """
    if principal.is_self(secondary) and not principal.is_self(primary):
        return "Not allowed to link your own profile to another one: link the other account to yours."
    return None


def shares_access(principal: Principal, primary: object, secondary: object) -> bool:
    """Whether the primary takes over app_metadata, roles and permissions of the secondary. Both are `_id`s.

    Only where the caller may change both, and never where the caller's own profile is one of them.
    """
    if principal.is_self(primary) or principal.is_self(secondary):
        return False
    return holds(principal, UPDATE_APP_METADATA) and holds(principal, LINK_IDENTITY)
