"""Which log events a caller is shown: those of which something is left to see."""

from collections.abc import Mapping
from typing import Any

from app.domain.attributes.users import USER, readable_roots
from app.domain.principals import Principal
from app.policy.rules import readable


def visible_events(principal: Principal) -> Mapping[str, Any]:
    """A filter: events that change nothing of a profile, or something that this caller may read of that profile."""
    others = readable_roots(readable(principal, is_self=False))
    own = readable_roots(readable(principal, is_self=True))
    if len(others) == len(USER.attributes) and (principal.profile is None or own == others):
        return {}
    alternatives: list[Mapping[str, Any]] = [{"roots": {"$exists": False}}]
    if principal.profile is None:
        alternatives.append({"roots": {"$in": sorted(others)}})
    else:
        alternatives.append({"user": {"$nin": principal.own()}, "roots": {"$in": sorted(others)}})
        alternatives.append({"user": {"$in": principal.own()}, "roots": {"$in": sorted(own)}})
    return {"$or": alternatives}
