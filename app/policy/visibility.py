"""Visibility: which objects of a kind a caller may find. Services add these filters to every read."""

from app.domain.attributes.logs import LOG_EVENT
from app.domain.filters import ALL, And, Exists, Filter, In
from app.domain.kinds import Kind
from app.domain.principals import Principal
from app.policy.logs import visible_events
from app.policy.rules import holds


def visible(principal: Principal, kind: Kind) -> Filter:
    """Returns the filter for a list that the caller may read."""
    return visible_events(principal) if kind is LOG_EVENT else ALL


def visible_by_key(principal: Principal, kind: Kind) -> Filter | None:
    """Returns the filter for objects that the caller names by id, or None when the caller may find nothing."""
    assert kind.read
    shown = visible(principal, kind)
    if holds(principal, kind.read):
        # An object about no user, such as the event of a changed role, belongs to the tenant. Only callers who may list
        # all objects of the kind may find it.
        if kind.list is None or kind.owner is None or holds(principal, kind.list):
            return shown
        return And((shown, Exists(kind.owner)))
    # The caller may read their own objects at most. `own` includes the accounts that are linked to their profile.
    if kind.owner is None or principal.profile is None:
        return None
    return And((shown, In(kind.owner, principal.profile_ids())))
