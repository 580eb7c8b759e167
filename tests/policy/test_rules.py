"""Whether a rule holds for a caller, the errors when it does not, and which sign-ins are recent."""

import re
from itertools import combinations

import pytest

from app.domain.errors import Forbidden, Unauthenticated
from app.domain.principals import LEEWAY_SECONDS, Principal
from app.domain.rules import (
    ASSIGN_ROLES,
    BLOCK_USER,
    LINK_IDENTITY,
    READ_APP_METADATA,
    READ_ROLE_USERS,
    READ_USER,
    READ_USER_LOGS,
    READ_USERS,
    READING,
    UPDATE_APP_METADATA,
    WRITING,
    Rule,
)
from app.domain.scopes import Scope
from app.policy.rules import (
    authenticated,
    forbidden,
    holds,
    is_recent,
    might_hold,
    missing_scopes,
    readable,
    require,
    require_for_any_profile,
    require_scopes,
)
from tests.policy.callers import application, user
from tests.world import ALL_SCOPES

NOW, MAX_AGE = 1_800_000_000.0, 300
NEVER_ON_OWN_PROFILE = [each for each in (*READING, *WRITING) if each.self_ == ()]


@pytest.mark.parametrize("rule", NEVER_ON_OWN_PROFILE, ids=lambda rule: rule.name)
def test_no_scope_allows_users_what_they_never_do_to_themselves(rule: Rule) -> None:
    caller = user(*ALL_SCOPES)
    assert not holds(caller, rule, is_self=True)
    assert holds(caller, rule, is_self=False)
    assert forbidden(caller, rule, is_self=True).scopes == []
    assert missing_scopes(caller, rule, is_self=True) == []


def test_what_users_never_do_to_themselves_is_complete() -> None:
    assert {each.name for each in NEVER_ON_OWN_PROFILE} == {
        "read app_metadata",
        "read the tokens of identity providers",
        "change app_metadata",
        "block or unblock a user",
        "assign roles",
        "unassign roles",
        "grant or revoke permissions",
    }


@pytest.mark.parametrize("rule", NEVER_ON_OWN_PROFILE, ids=lambda rule: rule.name)
def test_application_has_no_own_profile(rule: Rule) -> None:
    assert holds(application(*ALL_SCOPES), rule, is_self=True)


@pytest.mark.parametrize("rule", [*READING, *WRITING], ids=lambda rule: rule.name)
def test_every_scope_of_an_alternative_is_needed(rule: Rule) -> None:
    for is_self in (False, True):
        alternatives = [*rule.scopes, *((rule.self_ or ()) if is_self else ())]
        for alternative in alternatives:
            for size in range(len(alternative)):
                for part in combinations(alternative, size):
                    expected = any(each <= set(part) for each in alternatives) and not (is_self and rule.self_ == ())
                    assert holds(user(*part), rule, is_self) == expected
        others = set(Scope) - {scope for each in alternatives for scope in each}
        assert not holds(user(*others), rule, is_self)


@pytest.mark.parametrize(
    ("rule", "scopes", "is_self", "expected"),
    [
        (READ_USER, ["read:current_user"], True, True),
        (READ_USER, ["read:current_user"], False, False),
        (READ_USER, ["read:users"], True, True),
        (READ_USER, ["read:users"], False, True),
        (READ_USERS, ["read:current_user"], True, False),
        (READ_USER_LOGS, ["read:logs"], False, True),
        (READ_USER_LOGS, ["read:logs_users"], False, True),
        (READ_ROLE_USERS, ["read:roles"], False, False),
        (READ_ROLE_USERS, ["read:users"], False, False),
        (READ_ROLE_USERS, ["read:roles", "read:users"], False, True),
        (ASSIGN_ROLES, ["create:role_members"], False, False),
        (UPDATE_APP_METADATA, ["update:users"], False, False),
        (READ_APP_METADATA, ["read:users"], False, False),
        (LINK_IDENTITY, ["update:current_user_identities"], False, False),
    ],
)
def test_rule_holds_for_the_right_scopes(rule: Rule, scopes: list[str], is_self: bool, expected: bool) -> None:
    assert holds(user(*scopes), rule, is_self) is expected


def test_rule_might_hold_if_it_holds_for_some_profile() -> None:
    assert might_hold(user("read:current_user"), READ_USER)
    assert might_hold(user("read:users"), READ_USER)
    assert might_hold(user("update:users"), BLOCK_USER)
    assert not might_hold(user("read:logs"), READ_USER)
    assert not might_hold(application("read:current_user"), READ_USER)


# Values of `is_self`: whether the profile is the caller's own. None: it is not known.
UNKNOWN, SELF, OTHER = None, True, False


@pytest.mark.parametrize(
    ("caller", "rule", "is_self", "expected"),
    [
        (application(), READ_USER, UNKNOWN, [["read:users"]]),
        (application(), READ_USER, SELF, [["read:users"]]),
        (application("read:roles"), READ_ROLE_USERS, UNKNOWN, [["read:roles", "read:users"]]),
        (user(), READ_USER, UNKNOWN, [["read:users"], ["read:current_user"]]),
        (user(), READ_USER, SELF, [["read:current_user"], ["read:users"]]),
        (user(), READ_USER, OTHER, [["read:users"]]),
        (user(), READ_USERS, SELF, [["read:users"]]),
        (user(), BLOCK_USER, UNKNOWN, [["update:users"]]),
        (user(), BLOCK_USER, SELF, []),
        (user(), READ_USER_LOGS, OTHER, [["read:logs"], ["read:logs_users"]]),
    ],
)
def test_error_names_the_scopes_that_would_help(
    caller: Principal, rule: Rule, is_self: bool | None, expected: list[list[str]]
) -> None:
    assert forbidden(caller, rule, is_self).scopes == expected


@pytest.mark.parametrize("rule", [*READING, *WRITING], ids=lambda rule: rule.name)
def test_scopes_that_the_error_names_do_help(rule: Rule) -> None:
    for is_self in (True, False):
        for make_caller in (user, application):
            named = forbidden(make_caller(), rule, is_self).scopes
            assert all(holds(make_caller(*each), rule, is_self) for each in named)
            assert bool(named) is holds(make_caller(*ALL_SCOPES), rule, is_self)
            missing = missing_scopes(make_caller(), rule, is_self)
            assert missing in named or not named


def test_missing_scopes_are_of_the_alternative_with_fewest() -> None:
    assert missing_scopes(user(), READ_USER, is_self=True) == ["read:current_user"]
    assert missing_scopes(user(), READ_USER, is_self=False) == ["read:users"]
    assert missing_scopes(user("read:roles"), READ_ROLE_USERS, is_self=False) == ["read:users"]
    either = Rule("x", (frozenset({Scope.CREATE_ROLES, Scope.DELETE_ROLES}), frozenset({Scope.READ_USERS})))
    assert missing_scopes(user(), either, is_self=False) == ["read:users"]


def test_require_returns_the_caller_for_whom_the_rule_holds() -> None:
    reader, own = application("read:users"), user("read:current_user")
    assert require(reader, READ_USER) is reader
    assert require_scopes(reader, READ_USER) is reader
    assert require(own, READ_USER, is_self=True) is own
    assert require_for_any_profile(own, READ_USER) is own
    assert authenticated(own) is own


def test_require_refuses_a_caller_without_the_scopes() -> None:
    for check in (require, require_scopes):
        with pytest.raises(Forbidden) as refused:
            check(user("read:current_user"), READ_USER)
        assert refused.value.scopes == [["read:users"]]
        with pytest.raises(Forbidden) as refused:
            check(user(), READ_USER, is_self=True)
        assert refused.value.scopes == [["read:current_user"], ["read:users"]]
    with pytest.raises(Forbidden) as refused:
        require_for_any_profile(application("read:current_user"), READ_USER)
    assert refused.value.scopes == [["read:users"]]


@pytest.mark.parametrize(
    ("is_self", "expected"),
    [
        (None, [["read:users"], ["read:current_user"]]),
        (True, [["read:current_user"], ["read:users"]]),
        (False, [["read:users"]]),
    ],
)
def test_error_for_any_profile_depends_on_whose_it_is(is_self: bool | None, expected: list[list[str]]) -> None:
    with pytest.raises(Forbidden) as refused:
        require_for_any_profile(user(), READ_USER, is_self)
    assert refused.value.scopes == expected


def test_profile_is_of_another_user_by_default() -> None:
    assert forbidden(user(), READ_USER).scopes == [["read:users"]]
    assert not holds(user("read:current_user"), READ_USER)


def test_request_without_a_token_is_unauthenticated() -> None:
    for check in (require, require_scopes, require_for_any_profile):
        with pytest.raises(Unauthenticated):
            check(None, READ_USER)
    with pytest.raises(Unauthenticated):
        authenticated(None)


@pytest.mark.parametrize("rule", WRITING, ids=lambda rule: rule.name)
def test_require_never_authorizes_a_write(rule: Rule) -> None:
    """Services authorize writes, because they also check whether the caller was blocked since the request began."""
    with pytest.raises(AssertionError, match=re.escape(rule.name)):
        require(application(*ALL_SCOPES), rule)
    require_scopes(application(*ALL_SCOPES), rule)


@pytest.mark.parametrize(
    ("auth_time", "expected"),
    [
        (NOW, True),
        (NOW - MAX_AGE, True),
        (NOW - MAX_AGE - 0.5, False),
        (NOW + LEEWAY_SECONDS, True),
        (NOW + LEEWAY_SECONDS + 0.5, False),
        (NOW + 10**9, False),
        (0, False),
        (None, False),
    ],
)
def test_sign_in_is_recent_within_its_limits(auth_time: float | None, expected: bool) -> None:
    assert is_recent(user(auth_time=auth_time), NOW, MAX_AGE) is expected


def test_readable_rules_depend_on_kind_scopes_and_own_profile() -> None:
    reader = user("read:current_user")
    assert READ_USER in readable(reader, is_self=True)
    assert readable(reader, is_self=False) == frozenset()
    for is_self in (True, False):
        assert readable(application("read:current_user"), is_self) == frozenset()
    caller = user(*ALL_SCOPES)
    assert readable(caller, is_self=False) == frozenset(READING)
    assert set(READING) - readable(caller, is_self=True) == {each for each in READING if each.self_ == ()}
