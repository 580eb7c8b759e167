"""Whether a rule holds for a caller: the one place that compares scopes."""

from functools import lru_cache

from app.domain.principals import LEEWAY_SECONDS, ActorKind, Principal
from app.domain.rules import READING, Rule


def holds(principal: Principal, rule: Rule, is_self: bool = False) -> bool:
    """`is_self`: the user acted on is the caller's own profile. What is never for oneself no scope opens."""
    return _holds(principal.scopes, rule, is_self and principal.kind is ActorKind.USER)


def might_hold(principal: Principal, rule: Rule) -> bool:
    """Whether the rule holds for anyone, the caller's own profile included: else there is nothing to look up."""
    return holds(principal, rule) or holds(principal, rule, is_self=True)


def missing_scopes(principal: Principal, rule: Rule, is_self: bool = False) -> list[list[str]]:
    """The alternatives that would do for this caller; where oneself never may, none would."""
    if is_self and rule.self_ == ():
        return []
    lists = rule.scopes if principal.kind is ActorKind.APPLICATION else rule.scopes + (rule.self_ or ())
    return [sorted(each) for each in lists]


def is_recent(principal: Principal, now: float, max_age: int) -> bool:
    """Whether the user signed in at most `max_age` seconds before `now` (seconds since 1970).

    An unknown time is not recent, nor is a time in the future beyond the leeway: it would stay recent for too long.
    """
    return principal.auth_time is not None and -LEEWAY_SECONDS <= now - principal.auth_time <= max_age


def readable(principal: Principal, is_self: bool) -> frozenset[Rule]:
    """Every rule of reading that holds; it depends on the caller's kind, scopes and is-self alone."""
    return _readable(principal.scopes, is_self and principal.kind is ActorKind.USER)


@lru_cache(maxsize=4096)
def _readable(scopes: frozenset[str], is_self: bool) -> frozenset[Rule]:
    return frozenset(rule for rule in READING if _holds(scopes, rule, is_self))


def _holds(scopes: frozenset[str], rule: Rule, is_self: bool) -> bool:
    if is_self and rule.self_ == ():
        return False
    lists = rule.scopes + (rule.self_ or ()) if is_self else rule.scopes
    return any(each <= scopes for each in lists)
