"""The limits of root attributes, and the result of an edit."""

from dataclasses import replace
from datetime import datetime

import pytest

from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key
from app.domain.root_attributes import ROOT_ATTRIBUTES, RootAttributeName, apply_root_attributes, check_root_attribute
from app.domain.users import AttributeSource, Provenance, User

NAMES = ["name", "given_name", "family_name", "nickname", "picture"]
TEXTS = NAMES[:-1]
CAMEL = dict(zip(NAMES, ["name", "givenName", "familyName", "nickname", "picture"], strict=True))
PREFIX = "https://example.com/"

BEFORE, NOW = datetime(2026, 1, 1), datetime(2026, 1, 31)
FROM_IDP = Provenance(AttributeSource.IDP, BEFORE, "google-oauth2")
USER = User(
    id=Key(1),
    tenant="t",
    user_id="auth0|john",
    name="John",
    nickname="j",
    provenance={"name": FROM_IDP, "nickname": FROM_IDP},
    created_at=BEFORE,
    updated_at=BEFORE,
)


def assert_refused(name: str, value: str) -> None:
    with pytest.raises(Refused) as refused:
        check_root_attribute(name, value)
    assert refused.value.code is ErrorCode.INVALID_INPUT
    assert refused.value.path == (CAMEL[name],)
    assert refused.value.message.startswith(CAMEL[name])
    refused.value.message.encode()


def test_there_are_five_root_attributes() -> None:
    assert list(ROOT_ATTRIBUTES) == NAMES
    assert [each.value for each in RootAttributeName] == NAMES


@pytest.mark.parametrize(
    ("name", "limit"), [("name", 300), ("given_name", 150), ("family_name", 150), ("nickname", 300)]
)
def test_text_has_one_character_up_to_its_limit(name: str, limit: int) -> None:
    for character in ("a", "é", "😀", "\u0301"):
        check_root_attribute(name, character)
        check_root_attribute(name, character * limit)
        assert_refused(name, character * (limit + 1))
    assert_refused(name, "")


def test_picture_has_at_most_2048_characters() -> None:
    check_root_attribute("picture", PREFIX.ljust(2048, "a"))
    assert_refused("picture", PREFIX.ljust(2049, "a"))
    assert_refused("picture", "")


@pytest.mark.parametrize("name", NAMES)
def test_null_clears_each_root_attribute(name: str) -> None:
    check_root_attribute(name, None)


@pytest.mark.parametrize("character", [*map(chr, range(32)), *map(chr, range(127, 160)), "\ud800", "\udfff"])  # noqa: PT014
def test_control_characters_and_lone_surrogates_are_refused(character: str) -> None:
    for name in TEXTS:
        for value in (character, f"a{character}b", f"a{character}", f"{character}a"):
            assert_refused(name, value)
    assert_refused("picture", PREFIX + character)


@pytest.mark.parametrize(
    "value", ["Zoë O'Brien-Smith", "李小龙", "  ", "\xa0", "<b>", "$where", "a.b", "\u200d", "null"]
)
def test_other_text_is_allowed_in_a_name(value: str) -> None:
    for name in TEXTS:
        check_root_attribute(name, value)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/a.png?s=480&r=pg#x",
        "HTTPS://EXAMPLE.COM/",
        "https://example.com:8443/",
        "https://xn--bcher-kva.example/%C3%BC.png",
        "https://192.0.2.1/",
        "https://[2001:db8::1]/a.png",
    ],
)
def test_https_url_is_a_picture(url: str) -> None:
    check_root_attribute("picture", url)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.png",
        "ftp://example.com/",
        "javascript:alert(1)",
        "data:image/png;base64,AA==",
        "//example.com/a.png",
        "example.com/a.png",
        "https",
        "https:",
        "https:example.com",
        "https:/example.com",
        "https://",
        "https:///a.png",
        "https://:443/",
        "https://user@/",
        "https://?a",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:port/",
        "https://[::1",
        "https://[example.com]/",
        "https://bücher.example/",
        "https://example.com/ü.png",
        "https://example.com/a b.png",
        " https://example.com/",
        "https://example.com/ ",
    ],
)
def test_other_text_is_no_picture(url: str) -> None:
    assert_refused("picture", url)


def test_edit_writes_changed_values_and_their_source() -> None:
    written = apply_root_attributes(
        USER, {"name": "John", "nickname": "jd", "given_name": "J", "picture": None}, AttributeSource.USER, NOW
    )
    by_user = Provenance(AttributeSource.USER, NOW)
    assert written == {
        "nickname": "jd",
        "given_name": "J",
        "provenance": {"name": FROM_IDP, "nickname": by_user, "given_name": by_user},
    }
    # The profile before the edit is unchanged.
    assert USER.provenance == {"name": FROM_IDP, "nickname": FROM_IDP}


def test_clearing_a_value_is_an_edit() -> None:
    written = apply_root_attributes(USER, {"name": None}, AttributeSource.ADMIN, NOW)
    cleared = Provenance(AttributeSource.ADMIN, NOW)
    assert written == {"name": None, "provenance": {"name": cleared, "nickname": FROM_IDP}}


@pytest.mark.parametrize("values", [{}, {"name": "John"}, {"name": "John", "nickname": "j"}, {"picture": None}])
def test_edit_that_changes_nothing_writes_nothing(values: dict[str, str | None]) -> None:
    assert apply_root_attributes(USER, values, AttributeSource.USER, NOW) == {}
    assert apply_root_attributes(replace(USER, provenance={}), values, AttributeSource.USER, NOW) == {}
