"""Which objects of a kind a caller may find: filters that narrow every read, whatever was asked for."""

from app.domain.attributes.logs import LOG_EVENT
from app.domain.filters import ALL, And, Exists, Filter, In
from app.domain.kinds import Kind
from app.domain.principals import Principal
from app.policy.logs import visible_events
from app.policy.rules import holds


def visible(principal: Principal, kind: Kind) -> Filter:
    """What remains of a list that the caller may read."""
    return visible_events(principal) if kind is LOG_EVENT else ALL


def visible_by_key(principal: Principal, kind: Kind) -> Filter | None:
    """What the caller may find of objects that they name. None when they may find nothing."""
    assert kind.read
    shown = visible(principal, kind)
    if holds(principal, kind.read):
        # What is about no user belongs to the tenant: it is for those who may list it.
        if kind.list is None or kind.owner is None or holds(principal, kind.list):
            return shown
        return And((shown, Exists(kind.owner)))
    if kind.owner is None or principal.profile is None:
        return None
    return And((shown, In(kind.owner, principal.own())))
