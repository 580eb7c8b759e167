"""Whether a rule holds for a caller, and how recent a sign-in is."""

from itertools import combinations
from typing import Any

import pytest

from app.domain.errors import Forbidden, Unauthenticated
from app.domain.principals import LEEWAY_SECONDS, ActorKind, Principal
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
from app.policy.rules import forbidden, holds, is_recent, might_hold, missing_scopes, readable, require_for_any_profile
from tests.world import ALL_SCOPES

NOW, MAX_AGE = 1_800_000_000.0, 300
NEVER_ON_ONESELF = [each for each in (*READING, *WRITING) if each.self_ == ()]


def principal(*scopes: str, kind: ActorKind = ActorKind.USER, **more: Any) -> Principal:
    return Principal("t", "x", kind, frozenset(scopes), **more)


def application(*scopes: str) -> Principal:
    return principal(*scopes, kind=ActorKind.APPLICATION)


@pytest.mark.parametrize("rule", NEVER_ON_ONESELF, ids=lambda rule: rule.name)
def test_no_scope_opens_to_oneself_what_is_never_open(rule: Rule) -> None:
    user = principal(*ALL_SCOPES)
    assert not holds(user, rule, is_self=True)
    assert holds(user, rule, is_self=False)
    assert forbidden(user, rule, is_self=True).scopes == []
    assert missing_scopes(user, rule, is_self=True) == []


def test_rules_never_open_to_own_profile_match_the_table() -> None:
    assert {each.name for each in NEVER_ON_ONESELF} == {
        "read app_metadata",
        "read the tokens of identity providers",
        "change app_metadata",
        "block or unblock a user",
        "assign roles",
        "unassign roles",
        "grant or revoke permissions",
    }


@pytest.mark.parametrize("rule", NEVER_ON_ONESELF, ids=lambda rule: rule.name)
def test_application_has_no_profile_that_is_its_own(rule: Rule) -> None:
    assert holds(application(*ALL_SCOPES), rule, is_self=True)


@pytest.mark.parametrize("rule", [*READING, *WRITING], ids=lambda rule: rule.name)
def test_every_scope_of_an_alternative_is_needed(rule: Rule) -> None:
    for is_self in (False, True):
        alternatives = [*rule.scopes, *((rule.self_ or ()) if is_self else ())]
        for alternative in alternatives:
            for size in range(len(alternative)):
                for part in combinations(alternative, size):
                    expected = any(each <= set(part) for each in alternatives) and not (is_self and rule.self_ == ())
                    assert holds(principal(*part), rule, is_self) == expected
        others = set(Scope) - {scope for each in alternatives for scope in each}
        assert not holds(principal(*others), rule, is_self)


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
def test_rule_holds_as_its_row_says(rule: Rule, scopes: list[str], is_self: bool, expected: bool) -> None:
    assert holds(principal(*scopes), rule, is_self) is expected


def test_rule_might_hold_where_it_holds_for_any_profile() -> None:
    assert might_hold(principal("read:current_user"), READ_USER)
    assert might_hold(principal("read:users"), READ_USER)
    assert might_hold(principal("update:users"), BLOCK_USER)
    assert not might_hold(principal("read:logs"), READ_USER)
    assert not might_hold(application("read:current_user"), READ_USER)


ANY, SELF, OTHER = None, True, False


@pytest.mark.parametrize(
    ("caller", "rule", "is_self", "expected"),
    [
        (application(), READ_USER, ANY, [["read:users"]]),
        (application(), READ_USER, SELF, [["read:users"]]),
        (application("read:roles"), READ_ROLE_USERS, ANY, [["read:roles", "read:users"]]),
        (principal(), READ_USER, ANY, [["read:users"], ["read:current_user"]]),
        (principal(), READ_USER, SELF, [["read:current_user"], ["read:users"]]),
        (principal(), READ_USER, OTHER, [["read:users"]]),
        (principal(), READ_USERS, SELF, [["read:users"]]),
        (principal(), BLOCK_USER, ANY, [["update:users"]]),
        (principal(), BLOCK_USER, SELF, []),
        (principal(), READ_USER_LOGS, OTHER, [["read:logs"], ["read:logs_users"]]),
    ],
)
def test_refused_caller_is_told_the_scopes_that_would_help(
    caller: Principal, rule: Rule, is_self: bool | None, expected: list[list[str]]
) -> None:
    assert forbidden(caller, rule, is_self).scopes == expected


@pytest.mark.parametrize("rule", [*READING, *WRITING], ids=lambda rule: rule.name)
def test_scopes_that_a_refused_caller_is_told_do_help(rule: Rule) -> None:
    for is_self in (True, False):
        for kind in (ActorKind.USER, ActorKind.APPLICATION):
            told = forbidden(principal(kind=kind), rule, is_self).scopes
            assert all(holds(principal(*each, kind=kind), rule, is_self) for each in told)
            assert bool(told) is holds(principal(*ALL_SCOPES, kind=kind), rule, is_self)
            missing = missing_scopes(principal(kind=kind), rule, is_self)
            assert missing in told or not told


def test_missing_scopes_are_those_of_the_nearest_alternative() -> None:
    assert missing_scopes(principal(), READ_USER, is_self=True) == ["read:current_user"]
    assert missing_scopes(principal(), READ_USER, is_self=False) == ["read:users"]
    assert missing_scopes(principal("read:roles"), READ_ROLE_USERS, is_self=False) == ["read:users"]


def test_caller_whom_no_profile_is_open_to_is_refused() -> None:
    require_for_any_profile(principal("read:current_user"), READ_USER)
    with pytest.raises(Forbidden):
        require_for_any_profile(application("read:current_user"), READ_USER)
    with pytest.raises(Unauthenticated):
        require_for_any_profile(None, READ_USER)


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
def test_a_sign_in_is_recent_within_its_bounds(auth_time: float | None, expected: bool) -> None:
    principal = Principal("t", "auth0|john", ActorKind.USER, frozenset(), auth_time=auth_time)
    assert is_recent(principal, NOW, MAX_AGE) is expected


def test_readable_rules_depend_on_kind_scopes_and_self_alone() -> None:
    user, tool = principal("read:current_user"), application("read:current_user")
    assert READ_USER in readable(user, is_self=True)
    assert readable(user, is_self=False) == readable(tool, is_self=True) == readable(tool, is_self=False) == frozenset()
    everything = principal(*ALL_SCOPES)
    assert readable(everything, is_self=False) == frozenset(READING)
    assert set(READING) - readable(everything, is_self=True) == {each for each in READING if each.self_ == ()}
