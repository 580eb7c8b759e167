"""Which log events a caller may see: those that change an attribute that the caller may read, or none at all."""

from app.domain.attributes.users import USER, readable_roots
from app.domain.filters import ALL, And, Eq, Filter, In, Not, Or
from app.domain.principals import Principal
from app.policy.rules import readable


def visible_events(principal: Principal) -> Filter:
    """Events that change nothing of a profile, or something that this caller may read of that profile."""
    others = readable_roots(readable(principal, is_self=False))
    own = readable_roots(readable(principal, is_self=True))
    if len(others) == len(USER.attributes) and (principal.profile is None or own == others):
        return ALL
    of_others, nothing = In("roots", sorted(others)), Eq("roots", None)
    if principal.profile is None:
        return Or((nothing, of_others))
    is_own = In("user", principal.own())
    return Or((nothing, And((Not(is_own), of_others)), And((is_own, In("roots", sorted(own))))))
