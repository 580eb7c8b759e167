"""Log events: which of them a caller may see."""

from app.domain.attributes.users import USER, readable_roots
from app.domain.filters import ALL, And, Eq, Filter, In, Not, Or
from app.domain.principals import Principal
from app.policy.rules import readable


def visible_events(principal: Principal) -> Filter:
    """Returns a filter for the events that this caller may see.

    They are the events without changes of a profile, and those with a change that the caller may read of that profile.
    """
    # An event is hidden when the caller may read none of its changes: its time alone would show that app_metadata
    # changed. The filter is part of the query, because removing events afterwards would leave gaps in pages and counts.
    others = readable_roots(readable(principal, is_self=False))
    own = readable_roots(readable(principal, is_self=True))
    if len(others) == len(USER.attributes) and (principal.profile is None or own == others):
        return ALL
    # `roots` are the names of the changed top-level fields.
    of_others, no_changes = In("roots", sorted(others)), Eq("roots", None)
    if principal.profile is None:
        return Or((no_changes, of_others))
    is_own = In("user", principal.profile_ids())
    return Or((no_changes, And((Not(is_own), of_others)), And((is_own, In("roots", sorted(own))))))
