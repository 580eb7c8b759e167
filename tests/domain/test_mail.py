"""The language of a mail and the name in its greeting."""

from typing import Any

import pytest

from app.domain.mail import greeting_of, language_of
from app.domain.times import now
from app.domain.users import Identity, User


def user(profile_data: str | None = None, **fields: Any) -> User:
    identity = Identity(provider="auth0", connection="c", user_id="1", profile_data=profile_data)
    known = {
        "id": 1,
        "tenant": "t",
        "user_id": "u",
        "identities": (identity,),
        "created_at": now(),
        "updated_at": now(),
    }
    return User(**{**known, "email": "j@example.com", "email_verified": True, **fields})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "en"),
        ({"user_metadata": {"lang": "de"}}, "de"),
        ({"user_metadata": {"locale": "fr", "language": "es"}}, "es"),
        ({"user_metadata": {"language": "ja", "lang": "FR-ca"}}, "fr"),
        ({"user_metadata": {"language": "de_CH.UTF-8"}}, "de"),
        ({"user_metadata": {"language": "it"}}, "en"),
        ({"user_metadata": {"language": ["de"]}, "app_metadata": {"language": "es"}}, "es"),
        (
            {"user_metadata": {"language": "it"}, "app_metadata": {"lang": "es"}, "profile_data": '{"locale": "fr"}'},
            "es",
        ),
        ({"profile_data": '{"locale": "fr_FR"}'}, "fr"),
        ({"profile_data": '{"locale": {"language": "ja", "country": "JP"}}'}, "ja"),
        ({"profile_data": '{"locale": 7}'}, "en"),
        ({"profile_data": "[]"}, "en"),
    ],
)
def test_language_is_the_first_known_preference(fields: dict[str, Any], expected: str) -> None:
    assert language_of(user(**fields)) == expected


@pytest.mark.parametrize(
    ("name", "salutation", "expected"),
    [
        ("Jane Doe", None, "Jane Doe"),
        ("Jane Doe", "Frau", "Frau Jane Doe"),
        ("Jean-Luc O'Neil", "M", "M Jean-Luc O'Neil"),
        ("山田 太郎", None, "山田 太郎"),
        ("नरेन्द्र", None, "नरेन्द्र"),
        (None, "Mx", "Mx"),
        (None, None, None),
        ("j@example.com", None, None),
        ("Win at example.com now", "Mx", "Mx"),
        ("Jane <b>", None, None),
        ("a" * 41, None, None),
        ("a" * 40, None, "a" * 40),
        ("   ", 7, None),
        ("Jane\nDoe", None, None),
    ],
)
def test_greeting_contains_nothing_but_a_name(name: Any, salutation: Any, expected: str | None) -> None:
    assert greeting_of(user(name=name, user_metadata={"salutation": salutation}), "j@example.com") == expected


def test_unverified_email_gets_no_name_in_the_greeting() -> None:
    assert greeting_of(user(name="Jane", email_verified=False), "j@example.com") is None
    assert greeting_of(user(name="Jane"), "new@example.com") is None
