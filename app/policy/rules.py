"""Rules applied to a caller: whether a rule holds, and the error when it does not. Only this module compares scopes."""

from functools import lru_cache

from app.domain.errors import Forbidden, Unauthenticated
from app.domain.principals import LEEWAY_SECONDS, ActorKind, Principal
from app.domain.rules import READING, Alternatives, ReadableRules, Rule


def authenticated(principal: Principal | None) -> Principal:
    """Returns the principal. Raises Unauthenticated when the request has no token."""
    if principal is None:
        raise Unauthenticated
    return principal


def require(principal: Principal | None, rule: Rule, is_self: bool = False) -> Principal:
    """Checks a rule of reading. Raises what `require_scopes` raises."""
    # Writes are authorized in services, which also check that the caller has not been blocked since the request began.
    # This function does not check it, so it must never authorize a write.
    assert not rule.writes, rule.name
    return require_scopes(principal, rule, is_self)


def require_scopes(principal: Principal | None, rule: Rule, is_self: bool = False) -> Principal:
    """Returns the principal. Raises Unauthenticated without a token, and Forbidden when the rule does not hold."""
    principal = authenticated(principal)
    if not holds(principal, rule, is_self):
        raise forbidden(principal, rule, is_self)
    return principal


def require_for_any_profile(principal: Principal | None, rule: Rule, is_self: bool | None = None) -> Principal:
    """Returns the principal. Raises Forbidden when the rule holds for no profile at all.

    `is_self` is None while it is not known whether the profile is the caller's own. It only affects the error.
    """
    # A caller whom the rule can never allow is refused before any lookup. The answer then cannot show whether a
    # profile exists.
    principal = authenticated(principal)
    if not might_hold(principal, rule):
        raise forbidden(principal, rule, is_self)
    return principal


def forbidden(principal: Principal, rule: Rule, is_self: bool | None = False) -> Forbidden:
    """Returns the error, with the alternatives of scopes that would allow the action to this caller."""
    return rule.refusal(_alternatives(principal, rule, is_self))


def missing_scopes(principal: Principal, rule: Rule, is_self: bool) -> list[str]:
    """Returns the scopes that the caller lacks, for the alternative of which the caller lacks the fewest scopes.

    The result is empty when the caller lacks no scope, and when no scope would help.
    """
    alternatives = _alternatives(principal, rule, is_self)
    return min((sorted(map(str, each - principal.scopes)) for each in alternatives), key=len, default=[])


def holds(principal: Principal, rule: Rule, is_self: bool = False) -> bool:
    """Returns whether the rule allows the action to the caller. `is_self` is true for the caller's own profile.

    For an action that users may never do to their own profile, the result is false with any scopes.
    """
    return _holds(principal.scopes, rule, _is_own(principal, is_self))


def might_hold(principal: Principal, rule: Rule) -> bool:
    """Returns whether the rule allows the action on at least one profile, which may be the caller's own."""
    return holds(principal, rule) or holds(principal, rule, is_self=True)


def is_recent(principal: Principal, now: float, max_age: int) -> bool:
    """Returns whether the user signed in at most `max_age` seconds before `now` (seconds since 1970)."""
    # A sign-in without a known time is not recent. A time in the future is not recent either, because it would be
    # recent for longer than `max_age`. Only the leeway for different clocks is allowed.
    return principal.auth_time is not None and -LEEWAY_SECONDS <= now - principal.auth_time <= max_age


def readable(principal: Principal, is_self: bool) -> ReadableRules:
    """Returns every rule of reading that holds.

    The result depends only on the caller's kind and scopes, and on `is_self`.
    """
    return _readable(principal.scopes, _is_own(principal, is_self))


# Every row that is read needs these rules, and few different sets of scopes occur.
@lru_cache(maxsize=4096)
def _readable(scopes: frozenset[str], is_self: bool) -> ReadableRules:
    return ReadableRules((rule for rule in READING if _holds(scopes, rule, is_self)), is_self)


def _holds(scopes: frozenset[str], rule: Rule, is_self: bool) -> bool:
    return any(each <= scopes for each in rule.alternatives(is_self))


def _alternatives(principal: Principal, rule: Rule, is_self: bool | None) -> Alternatives:
    """Returns the alternatives of scopes that would help the caller.

    When `is_self` is None, they are the alternatives for the caller's own profile and for any other profile.
    """
    if is_self is not None or principal.kind is not ActorKind.USER:
        return rule.alternatives(_is_own(principal, bool(is_self)))
    return tuple(dict.fromkeys((*rule.alternatives(False), *rule.alternatives(True))))


def _is_own(principal: Principal, is_self: bool) -> bool:
    # An application has no profile, so the alternatives for one's own profile must never apply to it.
    return is_self and principal.kind is ActorKind.USER
