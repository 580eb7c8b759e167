"""The environment: a variable that can't be read stops the start, and its value is not repeated."""

import json

import pytest

from app.settings import ConfigurationError, load_settings

GOOD = {"issuer": "https://id/", "audience": "a", "tenant": "t", "jwks": {"keys": []}}


def test_unset_means_the_development_issuer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROFILE_API_ISSUERS", raising=False)
    assert load_settings().issuers is None


def test_issuers_are_a_json_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILE_API_ISSUERS", json.dumps([GOOD]))
    [issuer] = load_settings().issuers or []
    assert issuer.algorithms == ["RS256", "ES256", "EdDSA"]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "[]",
        "{",
        "null-secret",
        json.dumps(GOOD),
        json.dumps([{**GOOD, "unknown": "secret"}]),
        json.dumps([{**GOOD, "algorithms": ["HS256"]}]),
        json.dumps([{**GOOD, "algorithms": ["none"]}]),
        json.dumps([{**GOOD, "algorithms": []}]),
        json.dumps([{**GOOD, "audience": ""}]),
        json.dumps([{**GOOD, "application_claim": "idtyp"}]),
        json.dumps([{**GOOD, "application_claim": {"name": "idtyp"}}]),
        json.dumps([{**GOOD, "application_claim": {"name": "", "value": "secret"}}]),
        json.dumps([{**GOOD, "application_claim": {"name": "idtyp", "value": None}}]),
        json.dumps([{**GOOD, "application_claim": {"name": "idtyp", "value": ["secret"]}}]),
        json.dumps([{**GOOD, "application_claim": {"name": "idtyp", "value": "app", "more": "secret"}}]),
        json.dumps([GOOD, GOOD]),
        json.dumps([GOOD, {**GOOD, "issuer": "https://two/", "connection": "c"}]),
    ],
)
def test_what_can_not_be_served_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PROFILE_API_ISSUERS", value)
    with pytest.raises(ConfigurationError, match="PROFILE_API_ISSUERS") as refused:
        load_settings()
    assert "secret" not in str(refused.value)


def test_several_issuers_of_a_tenant_have_their_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [{**GOOD, "connection": "one"}, {**GOOD, "issuer": "https://two/", "connection": "two"}]
    monkeypatch.setenv("PROFILE_API_ISSUERS", json.dumps(both))
    assert len(load_settings().issuers or []) == 2


@pytest.mark.parametrize("name", ["METADATA_MAX_BYTES", "LOG_RETENTION_DAYS", "PORT"])
@pytest.mark.parametrize("value", ["many", "-1"])
def test_a_number_out_of_its_range_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"PROFILE_API_{name}", value)
    with pytest.raises(ConfigurationError, match=f"PROFILE_API_{name}"):
        load_settings()


def test_null_is_not_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILE_API_ISSUERS", "null")
    with pytest.raises(ConfigurationError, match="PROFILE_API_ISSUERS"):
        load_settings()
