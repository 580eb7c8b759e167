"""viewerActions: which obstacle is reported for each action, and in which words."""

import re
from dataclasses import replace
from typing import Any

import pytest

from app.domain.accounts import why_not_changeable
from app.domain.connections import AuthConnection, SyncRootAttributes, why_not_editable
from app.domain.identities import MAX_IDENTITIES
from app.domain.passwords import why_no_password
from app.domain.principals import Principal
from app.domain.roles import MAX_PERMISSIONS, MAX_ROLES
from app.policy.actions import TargetState, UserAction, actions
from app.policy.actions import UserActionName as Name
from tests.policy.callers import application, user
from tests.world import ALL_SCOPES

NOW, MAX_AGE = 1_000_000.0, 300
STRATEGIES = ["auth0", "custom", "email", "sms", "google-oauth2", "samlp", "unknown"]
# Names of settings and words of the API, which a user of the product does not know.
JARGON = re.compile(r"syncRootAttributes|importMode|ON_|NEVER|primary identity|[a-z][A-Z]|auth_time|scope")
APPLICATION = application(*ALL_SCOPES)
USER = user(*ALL_SCOPES, auth_time=NOW)
USER_WITH_OLD_SIGN_IN = user(*ALL_SCOPES, auth_time=NOW - 3600)


def target(strategy: str = "auth0", **changes: Any) -> TargetState:
    state = TargetState(
        connection=AuthConnection("t", f"my-{strategy}", strategy),
        email="a@example.com",
        email_verified=False,
        linked=1,
        is_self=False,
        blocked=False,
        locked_out=False,
        roles=1,
        permissions=1,
        can_mail=True,
    )
    return replace(state, **changes)


def action(name: Name, principal: Principal, state: TargetState) -> UserAction:
    [found] = [each for each in actions(principal, state, NOW, MAX_AGE) if each.name is name]
    return found


OBSTACLES: list[tuple[Name, TargetState, str | None]] = [
    (Name.EDIT_ROOT_ATTRIBUTES, target("google-oauth2"), "PROVIDER_OWNS_IT"),
    (Name.EDIT_ROOT_ATTRIBUTES, target("custom"), "PROVIDER_OWNS_IT"),
    (Name.EDIT_ROOT_ATTRIBUTES, target(connection=None), "CONNECTION_FORBIDS"),
    (Name.EDIT_ROOT_ATTRIBUTES, target(), None),
    (Name.CHANGE_EMAIL, target("samlp"), "PROVIDER_OWNS_IT"),
    (Name.CHANGE_USERNAME, target("email"), "CONNECTION_FORBIDS"),
    (Name.CHANGE_PHONE_NUMBER, target("email"), "CONNECTION_FORBIDS"),
    (Name.CHANGE_PASSWORD, target("google-oauth2"), "PROVIDER_OWNS_IT"),
    (Name.CHANGE_PASSWORD, target("sms"), "CONNECTION_FORBIDS"),
    (Name.CHANGE_PASSWORD, target(connection=None), "CONNECTION_FORBIDS"),
    (Name.SEND_PASSWORD_RESET_EMAIL, target(email=None), "NOTHING_THERE"),
    (Name.SEND_VERIFICATION_EMAIL, target(email=None), "NOTHING_THERE"),
    (Name.SEND_VERIFICATION_EMAIL, target(email_verified=True), "ALREADY_SO"),
    (Name.SEND_VERIFICATION_EMAIL, target("google-oauth2", email_verified=True), "PROVIDER_OWNS_IT"),
    (Name.SEND_VERIFICATION_EMAIL, target(can_mail=False), "MAIL_UNAVAILABLE"),
    (Name.SEND_PASSWORD_RESET_EMAIL, target(can_mail=False), "MAIL_UNAVAILABLE"),
    (Name.SEND_VERIFICATION_EMAIL, target(email_verified=True, can_mail=False), "ALREADY_SO"),
    (Name.BLOCK, target(blocked=True), "ALREADY_SO"),
    (Name.BLOCK, target(), None),
    (Name.UNBLOCK, target(), "ALREADY_SO"),
    (Name.UNBLOCK, target(blocked=True), None),
    (Name.UNBLOCK, target(locked_out=True), None),
    (Name.LINK_IDENTITY, target(blocked=True), "USER_BLOCKED"),
    (Name.LINK_IDENTITY, target(linked=MAX_IDENTITIES - 1), "LIMIT_REACHED"),
    (Name.LINK_IDENTITY, target(linked=MAX_IDENTITIES - 2), None),
    (Name.UNLINK_IDENTITY, target(linked=0), "NOTHING_THERE"),
    (Name.ASSIGN_ROLES, target(roles=MAX_ROLES), "LIMIT_REACHED"),
    (Name.UNASSIGN_ROLES, target(roles=0), "NOTHING_THERE"),
    (Name.GRANT_PERMISSIONS, target(permissions=MAX_PERMISSIONS), "LIMIT_REACHED"),
    (Name.REVOKE_PERMISSIONS, target(permissions=0), "NOTHING_THERE"),
]


@pytest.mark.parametrize(("name", "state", "code"), OBSTACLES)
def test_each_obstacle_has_its_code(name: Name, state: TargetState, code: str | None) -> None:
    found = action(name, APPLICATION, state)
    assert (found.allowed, found.code) == (code is None, code)


@pytest.mark.parametrize("can_mail", [True, False])
def test_only_a_users_own_new_email_needs_mail(can_mail: bool) -> None:
    state = target(can_mail=can_mail)
    assert action(Name.CHANGE_EMAIL, APPLICATION, state).allowed
    assert action(Name.CHANGE_EMAIL, USER, replace(state, is_self=True)).allowed is can_mail


@pytest.mark.parametrize(
    ("name", "state", "code"),
    [
        (Name.CHANGE_EMAIL, target("google-oauth2"), "PROVIDER_OWNS_IT"),
        (Name.CHANGE_USERNAME, target("sms"), "CONNECTION_FORBIDS"),
        (Name.LINK_IDENTITY, target(linked=MAX_IDENTITIES - 1), "LIMIT_REACHED"),
        (Name.UNLINK_IDENTITY, target(linked=0), "NOTHING_THERE"),
        (Name.CHANGE_EMAIL, target(), "NEEDS_RECENT_SIGN_IN"),
        (Name.DELETE, target(), "NEEDS_RECENT_SIGN_IN"),
    ],
)
def test_old_sign_in_is_reported_after_lasting_obstacles(name: Name, state: TargetState, code: str) -> None:
    assert action(name, USER_WITH_OLD_SIGN_IN, replace(state, is_self=True)).code == code


def test_old_sign_in_is_no_obstacle_for_profiles_of_others() -> None:
    assert action(Name.DELETE, USER_WITH_OLD_SIGN_IN, target()).allowed


def test_missing_scope_is_reported_before_other_obstacles() -> None:
    caller = application("update:users_app_metadata")
    for name, state, _ in OBSTACLES:
        assert action(name, caller, state).code == "FORBIDDEN"


def test_missing_scopes_are_reported() -> None:
    assert action(Name.DELETE, application(), target()).missing_scopes == ["delete:users"]
    assert action(Name.BLOCK, APPLICATION, target(blocked=True)).missing_scopes == []
    assert action(Name.DELETE, APPLICATION, target()) == UserAction(Name.DELETE, True, None, None, [])
    own = action(Name.EDIT_USER_METADATA, user(), target(is_self=True))
    assert own.missing_scopes == ["update:current_user_metadata"]


@pytest.mark.parametrize(
    ("name", "principal", "is_self", "reason"),
    [
        (Name.BLOCK, user(), True, "You cannot do this to your own profile."),
        (Name.BLOCK, user(), False, "You are not allowed to block or unblock a user."),
        (Name.BLOCK, application(), True, "You are not allowed to block or unblock a user."),
        (Name.EDIT_USER_METADATA, user(), True, "You are not allowed to change user_metadata."),
    ],
)
def test_reason_of_a_missing_scope_names_the_action(
    name: Name, principal: Principal, is_self: bool, reason: str
) -> None:
    assert action(name, principal, target(is_self=is_self)).reason == reason


def test_forbidden_to_own_profile_means_no_missing_scope() -> None:
    own = target(is_self=True)
    for name in (Name.BLOCK, Name.UNBLOCK, Name.ASSIGN_ROLES, Name.EDIT_APP_METADATA, Name.GRANT_PERMISSIONS):
        found = action(name, USER, own)
        assert (found.code, found.missing_scopes) == ("FORBIDDEN", [])
        assert found.reason == "You cannot do this to your own profile."


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("principal", [APPLICATION, USER_WITH_OLD_SIGN_IN, USER, user(auth_time=NOW)])
def test_each_refusal_has_a_code_and_a_reason_without_jargon(strategy: str, principal: Principal) -> None:
    for changes in ({}, {"connection": None}, {"email": None, "linked": 0, "roles": 0, "permissions": 0}):
        for is_self in (True, False):
            for each in actions(principal, target(strategy, is_self=is_self, **changes), NOW, MAX_AGE):
                assert (each.code is None) == (each.reason is None) == each.allowed
                assert not JARGON.search((each.reason or "").replace(f"my-{strategy}", "")), each.reason


def test_only_messages_for_integrators_name_settings() -> None:
    refusal = why_not_editable(AuthConnection("t", "corp", "custom", False, SyncRootAttributes.ON_EACH_LOGIN))
    assert refusal
    assert "syncRootAttributes" in refusal.message
    assert "importMode" in refusal.message
    for each in (refusal, why_not_editable(None), why_no_password(None), why_not_changeable(None, "email")):
        assert each
        assert not JARGON.search(each.reason)
