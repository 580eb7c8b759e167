"""How later logins change a profile: values that the provider states replace others, and defaults replace nothing."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, combinations
from typing import Any

import pytest

from app.domain.connections import AuthConnection, SyncRootAttributes
from app.domain.ids import Key
from app.domain.logins import Login, create_profile, refresh_profile
from app.domain.normalizers.registry import normalize
from app.domain.root_attributes import ROOT_ATTRIBUTES
from app.domain.users import AttributeSource, Provenance, User
from tests.domain.golden_pairs import CASES, payload_of

AT = datetime(2026, 1, 1)
KEPT = (*ROOT_ATTRIBUTES, "email", "email_verified", "username", "phone_number", "phone_verified")
ANN = {
    "sub": "1",
    "name": "Ann B. Lee",
    "given_name": "Ann",
    "family_name": "Lee",
    "nickname": "Annie",
    "preferred_username": "annl2",
    "picture": "https://example.com/ann.png",
    "email": "annl2@example.com",
    "email_verified": True,
    "phone_number": "+14258831929",
    "phone_number_verified": True,
}


def login(strategy: str, raw: dict[str, Any], days: int) -> Login:
    connection = AuthConnection("t", "c", strategy, False, SyncRootAttributes.ON_EACH_LOGIN)
    return Login(connection=connection, claims=normalize(strategy, raw), at=AT + timedelta(days=days))


def after(strategy: str, *payloads: dict[str, Any]) -> User:
    """Returns the profile after logins with these payloads."""
    user = create_profile(login(strategy, payloads[0], 0), Key(1), "1", AT)
    for days, raw in enumerate(payloads[1:], 1):
        user = refresh_profile(user, login(strategy, raw, days), AT + timedelta(days=days))
    return user


def kept(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in KEPT}


def subsets(names: list[str], sizes: range) -> Any:
    return chain.from_iterable(combinations(names, size) for size in sizes)


def test_login_with_any_part_of_payload_changes_nothing() -> None:
    names = [name for name in ANN if name != "sub"]
    full = after("oidc", ANN)
    for left in subsets(names, range(len(names) + 1)):
        part = {"sub": "1", **{name: ANN[name] for name in left}}
        assert kept(after("oidc", ANN, part)) == kept(full), left


def test_attributes_keep_what_any_login_stated() -> None:
    names = [name for name in ANN if name != "sub"]
    for first in subsets(names, range(3)):
        part = {"sub": "1", **{name: ANN[name] for name in first}}
        assert kept(after("oidc", part, ANN, part)) == kept(after("oidc", ANN)), first


@pytest.mark.parametrize(("strategy", "case"), CASES)
def test_no_provider_removes_data_by_sending_less(strategy: str, case: str) -> None:
    raw = payload_of(strategy, case)
    full = after(strategy, raw)
    for dropped in subsets(sorted(raw), range(1, 3)):
        part = {name: value for name, value in raw.items() if name not in dropped}
        assert kept(after(strategy, raw, part)) == kept(full), dropped


def test_default_nickname_survives_login_without_email() -> None:
    user = after("oidc", {"sub": "1", "name": "Ann Lee", "email": "annl2@example.com"}, {"sub": "1", "name": "Ann Lee"})
    assert (user.nickname, user.provenance["nickname"].source) == ("annl2", AttributeSource.DEFAULT)


def test_default_never_replaces_another_default() -> None:
    user = after("oidc", {"sub": "1", "email": "annl2@example.com"}, {"sub": "1", "email": "lee@example.com"})
    assert (user.email, user.name, user.nickname) == ("lee@example.com", "annl2@example.com", "annl2")


@pytest.mark.parametrize("name", ROOT_ATTRIBUTES)
def test_stated_value_replaces_default_and_earlier_value(name: str) -> None:
    first = {"sub": "1", "email": "annl2@example.com"}
    for value in ("https://example.com/1", "https://example.com/2"):
        user = after("oidc", first, {"sub": "1", name: "https://example.com/0"}, {"sub": "1", name: value})
        assert (getattr(user, name), user.provenance[name].source) == (value, AttributeSource.IDP)


@pytest.mark.parametrize("source", [each for each in AttributeSource if each is not AttributeSource.IDP])
@pytest.mark.parametrize("name", ["name", "nickname"])
def test_default_replaces_no_value_of_any_source(name: str, source: AttributeSource) -> None:
    user = create_profile(login("oidc", {"sub": "1"}, 0), Key(1), "1", AT)
    kept = Provenance(source, AT)
    for value in ("Mine", None):
        fields: dict[str, Any] = {name: value}
        before = replace(user, provenance={name: kept}, **fields)
        user = refresh_profile(before, login("oidc", {"sub": "1", "email": "annl2@example.com"}, 1), AT)
        assert (getattr(user, name), user.provenance[name]) == (value, kept)


def test_default_fills_an_attribute_that_never_had_a_value() -> None:
    user = after("oidc", {"sub": "1"}, {"sub": "1", "email": "annl2@example.com"})
    assert (user.name, user.nickname) == ("annl2@example.com", "annl2")


@pytest.mark.parametrize(
    ("first", "then", "name"),
    [
        ({"given_name": "Ann", "family_name": "Lee"}, {"given_name": "Ann", "family_name": "May"}, "Ann May"),
        ({"given_name": "Ann", "family_name": "Lee"}, {"family_name": "May"}, "Ann Lee"),
        ({"email": "annl2@example.com"}, {"given_name": "Ann", "family_name": "May"}, "Ann May"),
        ({"name": "Dr. Lee"}, {"given_name": "Ann", "family_name": "May"}, "Dr. Lee"),
    ],
)
def test_name_made_of_both_parts_replaces_its_like_only(first: Any, then: Any, name: str) -> None:
    assert after("oidc", {"sub": "1", **first}, {"sub": "1", **then}).name == name


@pytest.mark.parametrize(
    ("then", "verified"),
    [
        ({"email": "annl2@example.com"}, True),
        ({"email": "annl2@example.com", "email_verified": False}, False),
        ({"email": "lee@example.com"}, False),
        ({"email": "lee@example.com", "email_verified": True}, True),
        ({"email_verified": False}, True),
    ],
)
def test_verification_is_kept_for_the_same_email_only(then: dict[str, Any], verified: bool) -> None:
    for strategy in ("oidc", "custom"):
        account = {"sub": "1", "id": "1", "email": "annl2@example.com", "email_verified": True}
        assert after(strategy, account, {"sub": "1", "id": "1", **then}).email_verified is verified


def test_new_number_does_not_inherit_verification() -> None:
    number = {"sub": "1", "phone_number": "+14258831929", "phone_number_verified": True}
    user = after("oidc", number, {"sub": "1", "phone_number": "+14258831920"})
    assert (user.phone_number, user.phone_verified) == ("+14258831920", False)


def test_user_principal_name_replaces_no_email() -> None:
    claims = {"oid": "1", "email": "ann@example.com", "upn": "annl2@corp.example"}
    assert after("waad", claims, {"oid": "1", "upn": "annl2@corp.example"}).email == "ann@example.com"
    assert after("waad", {"oid": "1", "upn": "annl2@corp.example"}, claims).email == "ann@example.com"


@pytest.mark.parametrize("sync", list(SyncRootAttributes))
@pytest.mark.parametrize("strategy", ["oidc", "auth0"])
def test_login_removes_default_picture_of_earlier_version(strategy: str, sync: SyncRootAttributes) -> None:
    raw = {"sub": "1", "user_id": "1", "email": "ann@example.com"}
    user = create_profile(login(strategy, raw, 0), Key(1), "1", AT)
    by_default = Provenance(AttributeSource.DEFAULT, AT)
    old = replace(user, picture="https://images.example/hash", provenance={**user.provenance, "picture": by_default})
    later = login(strategy, raw, 1)
    seen = refresh_profile(old, replace(later, connection=replace(later.connection, sync_root_attributes=sync)), AT)
    assert (seen.picture, seen.provenance) == (None, user.provenance)


def test_login_keeps_picture_that_the_user_chose() -> None:
    for source in (AttributeSource.USER, AttributeSource.ADMIN, AttributeSource.IDP):
        user = create_profile(login("oidc", {"sub": "1"}, 0), Key(1), "1", AT)
        chosen = replace(user, picture="https://images.example/1", provenance={"picture": Provenance(source, AT)})
        assert refresh_profile(chosen, login("oidc", {"sub": "1"}, 1), AT).picture == "https://images.example/1"
