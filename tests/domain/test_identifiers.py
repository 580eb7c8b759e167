"""The normalized form of identifiers, by which users are found and duplicates are refused."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.identifiers import email_key, fold, keys_of, phone_key, subject_key, username_key
from app.domain.ids import Key
from app.domain.users import Identity, User

settings.register_profile("profile-api", deadline=None, derandomize=True)
settings.load_profile("profile-api")

GITHUB = Identity(provider="github", connection="github", user_id="7", is_social=True)
AUTH0 = Identity(provider="auth0", connection="db", user_id="john")
SAML = Identity(provider="samlp", connection="corp", user_id="corp|john")


def user(*identities: Identity, **fields: Any) -> User:
    at = datetime(2026, 1, 1)
    return User(
        id=Key(1), tenant="t", user_id="auth0|john", identities=identities, created_at=at, updated_at=at, **fields
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("John@Example.COM", "john@example.com"),
        ("STRASSE", "straße"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("É", "e\u0301"),
        ("ﬁn", "FIN"),
        ("ｊｏｈｎ", "JOHN"),
        ("①", "1"),
        ("K", "\u212a"),
    ],
)
def test_texts_that_differ_in_case_or_form_fold_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("e", "é"), ("a", "b"), ("l", "I"), ("john", "john "), ("ı", "i")])
def test_other_texts_fold_differently(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text(max_size=12))
def test_folding_folded_text_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(text.casefold()) == fold(text)


def test_social_account_has_one_key_for_all_connections() -> None:
    assert subject_key("github", "github", "7") == subject_key("github", "github-2", "7")
    assert subject_key("github", "github", "7") != subject_key("facebook", "github", "7")
    assert subject_key("github", "github", "7") != subject_key("github", "github", "8")


@pytest.mark.parametrize("provider", ["auth0", "custom", "email", "sms", "samlp", "waad", "oidc"])
def test_other_account_has_one_key_for_each_connection(provider: str) -> None:
    assert subject_key(provider, "one", "7") != subject_key(provider, "two", "7")
    assert subject_key(provider, "one", "7") == subject_key(provider, "one", "7")
    # Subjects and connection names are exact.
    assert subject_key(provider, "one", "a") != subject_key(provider, "one", "A")
    assert subject_key(provider, "one", "a") != subject_key(provider, "One", "a")


# Names of connections contain no colon. The text after the connection may contain any character.
CONNECTIONS = st.from_regex(r"[a-z][a-z0-9-]{0,3}", fullmatch=True)
ACCOUNTS = st.tuples(st.sampled_from(["auth0", "samlp"]), CONNECTIONS, st.text(st.sampled_from(":|ab"), max_size=4))


@given(ACCOUNTS, ACCOUNTS)
def test_two_accounts_have_two_keys(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assert (subject_key(*one) == subject_key(*other)) == (one == other)


def test_emails_and_usernames_ignore_case_and_numbers_do_not() -> None:
    assert email_key("db", "John@Example.com") == email_key("db", "JOHN@example.COM")
    assert username_key("db", "John") == username_key("db", "JOHN")
    assert phone_key("sms", "+4930123") == "phone:sms:+4930123"
    for key in (email_key, username_key, phone_key):
        assert key("one", "1") != key("two", "1")
    assert len({key("db", "1") for key in (email_key, username_key, phone_key)}) == 3


def test_user_has_keys_of_identities_and_of_primary_identifiers() -> None:
    found = keys_of(user(AUTH0, GITHUB, SAML, email="John@Example.com", username="Johnny", phone_number="+4930123"))
    assert found == [
        "email:db:john@example.com",
        "phone:db:+4930123",
        "sub:auth0:db:john",
        "sub:github::7",
        "sub:samlp:corp:corp|john",
        "username:db:johnny",
    ]


def test_absent_identifier_has_no_key() -> None:
    assert keys_of(user(AUTH0)) == ["sub:auth0:db:john"]
    assert keys_of(user(AUTH0, email="", username="", phone_number="")) == ["sub:auth0:db:john"]
    assert keys_of(user(email="john@example.com")) == []


def test_two_connections_of_one_social_account_give_one_key() -> None:
    again = Identity(provider="github", connection="github-2", user_id="7", is_social=True)
    assert keys_of(user(GITHUB, again)) == ["sub:github::7"]


def test_email_is_a_key_in_connections_that_use_it_to_sign_in() -> None:
    assert "email:db:a@b.c" in keys_of(user(AUTH0, SAML, email="a@b.c"))
    # A social provider may report the same e-mail address for two accounts.
    assert not [each for each in keys_of(user(SAML, AUTH0, email="a@b.c")) if each.startswith("email:")]
