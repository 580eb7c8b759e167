"""The kind of a connection, and whether the root attributes of its users can be edited."""

from itertools import product

import pytest

from app.domain.connections import AuthConnection, AuthConnectionKind, SyncRootAttributes, kind_of, why_not_editable

DATABASE, CUSTOM, PASSWORDLESS, SOCIAL, ENTERPRISE = (
    AuthConnectionKind(each) for each in ("DATABASE", "CUSTOM_DATABASE", "PASSWORDLESS", "SOCIAL", "ENTERPRISE")
)
ON_EACH_LOGIN = SyncRootAttributes.ON_EACH_LOGIN
STRATEGIES = {"auth0": DATABASE, "custom": CUSTOM, "sms": PASSWORDLESS, "github": SOCIAL, "samlp": ENTERPRISE}


@pytest.mark.parametrize(
    ("kind", "strategies"),
    [
        (DATABASE, "auth0"),
        (CUSTOM, "custom"),
        (PASSWORDLESS, "email sms"),
        (
            ENTERPRISE,
            "ad adfs auth0-adldap google-apps ip office365 oidc okta pingfederate samlp sharepoint waad",
        ),
        (SOCIAL, "google-oauth2 facebook apple github linkedin twitter windowslive amazon oauth2 AUTH0 unknown"),
    ],
)
def test_strategy_decides_the_kind(kind: AuthConnectionKind, strategies: str) -> None:
    for strategy in strategies.split():
        assert kind_of(strategy) is kind
        assert AuthConnection("t", "c", strategy).kind is kind


@pytest.mark.parametrize(("import_mode", "sync"), list(product([False, True], SyncRootAttributes)))
def test_connection_kind_and_sync_decide_what_is_editable(import_mode: bool, sync: SyncRootAttributes) -> None:
    for strategy, kind in STRATEGIES.items():
        ours = kind in (DATABASE, PASSWORDLESS) or (kind is CUSTOM and import_mode)
        refusal = why_not_editable(AuthConnection("t", "corp", strategy, import_mode, sync))
        assert (refusal is None) == (ours or sync is not ON_EACH_LOGIN), kind


def test_each_login_updates_root_attributes_by_default() -> None:
    refusals = {kind: why_not_editable(AuthConnection("t", "corp", strategy)) for strategy, kind in STRATEGIES.items()}
    assert {kind for kind, refusal in refusals.items() if refusal is None} == {DATABASE, PASSWORDLESS}


@pytest.mark.parametrize(("strategy", "names_import_mode"), [("custom", True), ("github", False), ("samlp", False)])
def test_message_names_every_setting_that_would_help(strategy: str, names_import_mode: bool) -> None:
    refusal = why_not_editable(AuthConnection("t", "my-corp", strategy))
    assert refusal
    assert "my-corp" in refusal.reason
    assert "syncRootAttributes" in refusal.advice
    # importMode has an effect on custom databases only.
    assert ("importMode" in refusal.advice) == names_import_mode


def test_deleted_connection_is_a_reason() -> None:
    refusal = why_not_editable(None)
    assert refusal
    assert refusal.code == "CONNECTION_FORBIDS"
