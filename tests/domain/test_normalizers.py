"""Normalizers: the claims that are read from the payload of each identity provider."""

from dataclasses import asdict
from typing import Any

import pytest

from app.domain.claims import Claims, with_defaults
from app.domain.normalizers.registry import NORMALIZERS, normalize
from tests.domain.golden_pairs import CASES, claims_of, payload_of


@pytest.mark.parametrize(("strategy", "case"), CASES)
def test_each_payload_has_its_claims(strategy: str, case: str) -> None:
    assert _found(strategy, payload_of(strategy, case)) == claims_of(strategy, case)


def _found(strategy: str, raw: dict[str, Any]) -> dict[str, Any]:
    """Returns claims as the golden files contain them: `assumed` lists claims that the provider did not state."""
    found = {name: value for name, value in asdict(normalize(strategy, raw)).items() if value is not None}
    assumed = sorted(found.pop("assumed") & found.keys())
    return {**found, "assumed": assumed} if assumed else found


def test_every_strategy_has_golden_pairs() -> None:
    # These two use the normalizer of another strategy.
    alike = {"auth0-adldap", "custom"}
    assert {strategy for strategy, _ in CASES} == NORMALIZERS.keys() - alike


def test_unknown_strategy_is_read_as_openid_connect() -> None:
    raw = {"sub": "1", "name": "Jane", "email": "Jane@Example.com", "email_verified": True}
    assert normalize("some-new-idp", raw) == normalize("oidc", raw)


@pytest.mark.parametrize("strategy", sorted(NORMALIZERS))
@pytest.mark.parametrize("value", [None, "", " ", [], {}, 0, True, 1.5, [None], {"data": None}, "x" * 5000, "\0"])
def test_no_normalizer_fails_for_any_value_of_a_field(strategy: str, value: Any) -> None:
    names = {name for case in CASES for name in payload_of(*case)} | {
        "sub",
        "id",
        "user",
        "identities",
        "user_metadata",
    }
    claims = normalize(strategy, dict.fromkeys(names, value))
    for field, found in asdict(claims).items():
        if isinstance(found, str):
            assert 0 < len(found) <= 2048, field
            assert field == "user_id" or found.strip() == found


@pytest.mark.parametrize(
    ("raw", "name", "expected"),
    [
        ({"sub": 7}, "user_id", "7"),
        ({"sub": True}, "user_id", None),
        ({"sub": "a" * 513}, "user_id", None),
        ({"email": "JANE@EXAMPLE.COM"}, "email", "jane@example.com"),
        ({"email": "no address"}, "email", None),
        ({"email": "@example.com"}, "email", None),
        ({"email": "a@b", "email_verified": "TRUE"}, "email_verified", True),
        ({"email": "a@b", "email_verified": "yes"}, "email_verified", False),
        ({"email": "a@b"}, "email_verified", False),
        ({"email_verified": True}, "email_verified", None),
        ({"picture": "javascript:alert(1)"}, "picture", None),
        ({"picture": "http://a/" + "b" * 3000}, "picture", None),
        ({"name": "a\tb\nc"}, "name", "abc"),
        ({"name": "n" * 400}, "name", "n" * 300),
    ],
)
def test_unusual_openid_connect_claims_are_normalized(raw: dict[str, Any], name: str, expected: Any) -> None:
    assert getattr(normalize("oidc", raw), name) == expected


def test_provider_claims_set_none_of_the_services_fields() -> None:
    raw = {"sub": "1", "app_metadata": {"a": 1}, "user_metadata": {"b": 1}, "blocked": True, "created_at": "x"}
    assert _found("oidc", raw) == {"user_id": "1"}


def test_defaults_are_those_of_auth0() -> None:
    claims = Claims(email="jane.doe@example.com")
    defaults = with_defaults(claims)
    assert (defaults["name"], defaults["nickname"]) == ("jane.doe@example.com", "jane.doe")
    assert with_defaults(Claims(given_name="Jane", family_name="Doe"))["name"] == "Jane Doe"
    assert with_defaults(Claims(phone_number="+14258831929"))["name"] == "+14258831929"
    said = Claims(name="J", nickname="jj", picture="https://p/", email="a@b")
    assert with_defaults(said) == {
        "name": "J",
        "given_name": None,
        "family_name": None,
        "nickname": "jj",
        "picture": "https://p/",
    }


def test_picture_has_no_default() -> None:
    everything: dict[str, Any] = {
        name: "ann@example.com" for name in Claims.__slots__ if name not in ("picture", "assumed")
    }
    assert with_defaults(Claims(**everything))["picture"] is None
