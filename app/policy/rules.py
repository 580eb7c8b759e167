"""Whether a rule holds for a caller, and what a refused caller is told: the one place that compares scopes."""

from functools import lru_cache

from app.domain.errors import Forbidden, Unauthenticated
from app.domain.principals import LEEWAY_SECONDS, ActorKind, Principal
from app.domain.rules import READING, Alternatives, ReadableRules, Rule


def authenticated(principal: Principal | None) -> Principal:
    """Raises Unauthenticated when the request has no token."""
    if principal is None:
        raise Unauthenticated
    return principal


def require(principal: Principal | None, rule: Rule, is_self: bool = False) -> Principal:
    """For reading. Raises what `require_scopes` does. A write is authorized by the services for writes, which also ask
    whether the caller is blocked by now.
    """
    assert not rule.writes, rule.name
    return require_scopes(principal, rule, is_self)


def require_scopes(principal: Principal | None, rule: Rule, is_self: bool = False) -> Principal:
    """Raises Unauthenticated, or Forbidden when the rule does not hold."""
    principal = authenticated(principal)
    if not holds(principal, rule, is_self):
        raise forbidden(principal, rule, is_self)
    return principal


def require_for_any_profile(principal: Principal | None, rule: Rule, is_self: bool | None = None) -> Principal:
    """Raises Forbidden when there is no profile for which the rule holds: then nothing needs to be looked up.

    `is_self` is None while it is not known whether the profile is the caller's own.
    """
    principal = authenticated(principal)
    if not might_hold(principal, rule):
        raise forbidden(principal, rule, is_self)
    return principal


def forbidden(principal: Principal, rule: Rule, is_self: bool | None = False) -> Forbidden:
    """The refusal, with the alternatives of scopes that would allow it to this caller."""
    return rule.refusal(_alternatives(principal, rule, is_self))


def missing_scopes(principal: Principal, rule: Rule, is_self: bool) -> list[str]:
    """What the caller lacks of the alternative that they lack least of; nothing when no scope would help."""
    alternatives = _alternatives(principal, rule, is_self)
    return min((sorted(map(str, each - principal.scopes)) for each in alternatives), key=len, default=[])


def holds(principal: Principal, rule: Rule, is_self: bool = False) -> bool:
    """`is_self`: the user acted on is the caller's own profile. What is never for oneself no scope opens."""
    return _holds(principal.scopes, rule, _is_own(principal, is_self))


def might_hold(principal: Principal, rule: Rule) -> bool:
    """Whether the rule holds for any profile, the caller's own one included."""
    return holds(principal, rule) or holds(principal, rule, is_self=True)


def is_recent(principal: Principal, now: float, max_age: int) -> bool:
    """Whether the user signed in at most `max_age` seconds before `now` (seconds since 1970).

    An unknown time is not recent, nor is a time in the future beyond the leeway: it would stay recent for too long.
    """
    return principal.auth_time is not None and -LEEWAY_SECONDS <= now - principal.auth_time <= max_age


def readable(principal: Principal, is_self: bool) -> ReadableRules:
    """Every rule of reading that holds; it depends on the caller's kind, scopes and is-self alone."""
    return _readable(principal.scopes, _is_own(principal, is_self))


@lru_cache(maxsize=4096)
def _readable(scopes: frozenset[str], is_self: bool) -> ReadableRules:
    return ReadableRules((rule for rule in READING if _holds(scopes, rule, is_self)), is_self)


def _holds(scopes: frozenset[str], rule: Rule, is_self: bool) -> bool:
    return any(each <= scopes for each in rule.alternatives(is_self))


def _alternatives(principal: Principal, rule: Rule, is_self: bool | None) -> Alternatives:
    """Those that would help. For a profile that is not known yet: both those for one's own and for any other."""
    if is_self is not None or principal.kind is not ActorKind.USER:
        return rule.alternatives(_is_own(principal, bool(is_self)))
    return tuple(dict.fromkeys((*rule.alternatives(False), *rule.alternatives(True))))


def _is_own(principal: Principal, is_self: bool) -> bool:
    """An application has no profile of its own."""
    return is_self and principal.kind is ActorKind.USER
