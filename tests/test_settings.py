"""Settings from the environment: invalid variables are refused, and the message does not contain their value."""

import json
from typing import get_args

import pytest
from pydantic_core.core_schema import ErrorType

from app.environment import describe_mistake
from app.settings import ConfigurationError, Settings, load_settings, unknown_variables

GOOD = {"issuer": "https://id/", "audience": "a", "tenant": "t", "jwks": {"keys": []}}


def test_unset_issuers_mean_the_development_issuer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROFILE_API_ISSUERS", raising=False)
    assert load_settings().issuers is None


def test_issuers_are_read_from_a_json_list(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_invalid_issuers_are_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PROFILE_API_ISSUERS", value)
    with pytest.raises(ConfigurationError, match="PROFILE_API_ISSUERS") as refused:
        load_settings()
    assert "secret" not in str(refused.value)


def test_several_issuers_of_a_tenant_need_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [{**GOOD, "connection": "one"}, {**GOOD, "issuer": "https://two/", "connection": "two"}]
    monkeypatch.setenv("PROFILE_API_ISSUERS", json.dumps(both))
    assert len(load_settings().issuers or []) == 2


@pytest.mark.parametrize("name", ["METADATA_MAX_BYTES", "LOG_RETENTION_DAYS", "PORT"])
@pytest.mark.parametrize("value", ["many", "-1"])
def test_number_out_of_its_range_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"PROFILE_API_{name}", value)
    with pytest.raises(ConfigurationError, match=f"PROFILE_API_{name}"):
        load_settings()


def test_null_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILE_API_ISSUERS", "null")
    with pytest.raises(ConfigurationError, match="PROFILE_API_ISSUERS"):
        load_settings()


@pytest.mark.parametrize("name", [f"PROFILE_API_{each.upper()}" for each in Settings.model_fields])
def test_messages_do_not_repeat_those_of_pydantic(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for value in ("", " ", "hush\nhush", "-1", "1e400", "nan", "[1", '{"a": {}}', "[[]]", "[" * 100_000, "hush," * 3):
        monkeypatch.setenv(name, value)
        try:
            load_settings()
        except ConfigurationError as refused:
            assert str(refused).startswith(name)
            for each in ("hush", "Input", "Value error", "validat", "pydantic", "http://errors"):
                assert each not in str(refused)


@pytest.mark.parametrize("kind", get_args(ErrorType))
def test_each_kind_of_error_has_a_message(kind: str) -> None:
    context = dict.fromkeys(("min_length", "max_length", "gt", "ge", "lt", "le", "expected", "error"), 1)
    told = describe_mistake({"type": kind, "ctx": context, "input": "hush", "msg": "hush"}, "a description")
    assert told.startswith(("must ", "is ")) or kind == "value_error"
    assert "hush" not in told


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("PROFILE_API_ISSUER", "PROFILE_API_ISSUERS"),
        ("PROFILE_API_MONGODBURL", "PROFILE_API_MONGODB_URL"),
        ("PROFILE_API_SERCET", "PROFILE_API_SECRET"),
        ("PROFILE_API_PORTS", "PROFILE_API_PORT"),
        ("profile_api_databse", "PROFILE_API_DATABASE"),
    ],
)
def test_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, known: str) -> None:
    monkeypatch.setenv(name, "hush")
    with pytest.raises(ConfigurationError, match=f"^{name} is not known. Did you mean {known}\\?$"):
        load_settings()


def test_variables_that_orchestrators_set_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["PROFILE_API_PORT_8000_TCP", "PROFILE_API_PORT_8000_TCP_ADDR", "PROFILE_API_SERVICE_HOST"]
    for name in [*names, "PROFILE_API_UI", "PROFILE_API_GRAPHIQL"]:
        monkeypatch.setenv(name, "true")
    load_settings()
    assert unknown_variables() == names


@pytest.mark.parametrize("name", ["CORS_ORIGINS", "MFA_TENANTS", "TRUSTED_PROXIES"])
def test_empty_variable_is_an_empty_list(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"PROFILE_API_{name}", "")
    assert getattr(load_settings(), name.lower()) == []
