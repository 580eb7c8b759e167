"""The strength of passwords: which are refused, for which reason, and at which cost."""

import random
from dataclasses import replace

import pytest

from app.domain.ids import Key
from app.domain.mail import LANGUAGES
from app.domain.passwords import EASY_TO_GUESS, PasswordProblem, PasswordRefused, guessable_words
from app.domain.times import now
from app.domain.users import Identity, User
from app.mail.composer import WORDS
from app.services.password_strength import _PROBLEMS, find_problem, limit_combinations

EVERY_SIGN = "4@8({[<3690!|17$5+%2zslaegitobxc"
ANN = User(
    id=Key(1),
    tenant="widget-makers",
    user_id="auth0|1",
    name="Annegret Lindqvist",
    given_name="Annegret",
    family_name="Lindqvist",
    nickname="annl2",
    email="a.lindqvist@mailer.example",
    username="lindqvist-a",
    phone_number="+14258831929",
    identities=(Identity(provider="auth0", connection="Shop-Customers", user_id="1"),),
    created_at=now(),
    updated_at=now(),
)


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("abcdefghijklmnop", PasswordProblem.SEQUENCE),
        ("qwertyuiopasdfgh", PasswordProblem.COMMON),
        ("123456789987654321", PasswordProblem.COMMON),
        ("1QAZ2wsx3edc4rfv", PasswordProblem.COMMON),
        ("passwordpassword1", PasswordProblem.REPEATED),
        ("password password password", PasswordProblem.REPEATED),
        ("aaaaaaaaaaaaaaab", PasswordProblem.SEQUENCE),
        ("michaelsmith", PasswordProblem.NAME),
        ("incomprehensible", PasswordProblem.GUESSABLE),
        ("19901231", PasswordProblem.DATE),
    ],
)
def test_password_that_is_easy_to_guess_has_a_reason(password: str, problem: PasswordProblem) -> None:
    assert find_problem(password, []) is problem


def test_one_of_several_reasons_is_reported() -> None:
    assert find_problem("123456789012345", []) in (PasswordProblem.SEQUENCE, PasswordProblem.COMMON)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "staple the other horse",
        "all small and no digit",
        "fifteen letters",
        "🐎 rides a 🚲 at 9",
    ],
)
def test_ordinary_long_passphrase_is_accepted(password: str) -> None:
    assert find_problem(password, guessable_words(ANN, ["profiles.example.com"])) is None


@pytest.mark.parametrize(
    "password",
    ["annegret lindqvist", "lindqvist-a-2024", "+14258831929abc", "profiles.example.com1", "Widget-Makers-24"],
)
def test_words_of_user_and_product_make_a_password_weak(password: str) -> None:
    assert find_problem(password, []) is None
    assert find_problem(password, guessable_words(ANN, ["profiles.example.com"])) is not None


def test_guessable_words_are_whole_texts_and_their_parts() -> None:
    words = guessable_words(ANN, ["profiles.example.com", ""])
    assert {"annegret lindqvist", "lindqvist", "annl2", "a.lindqvist@mailer.example", "mailer", "+14258831929"} <= {
        *words
    }
    assert {"widget-makers", "widget", "shop-customers", "customers", "profiles.example.com", "profiles"} <= {*words}
    many = replace(ANN, name=" ".join(f"w{number}" for number in range(100, 400)), nickname="\ud800")
    assert len(guessable_words(many, [])) == 100
    assert all(word.encode() and len(word) <= 128 for word in guessable_words(many, []))


def test_hostile_password_is_examined_with_few_combinations() -> None:
    dice = random.Random(1)
    for alphabet in (EVERY_SIGN, "({[<", "1|!7il", "!|1", "4@$5+7{["):
        hostile = "".join(dice.choice(alphabet) for _ in range(128))
        examined = limit_combinations(hostile)
        assert len(examined) == 128
        combinations = 1
        for signs in ("4@", "({[<", "69", "1!|", "1|7", "$5", "+7"):
            combinations *= max(1, len(set(signs) & set(examined)))
        assert combinations <= 8
        assert find_problem(hostile, []) is None


@pytest.mark.parametrize("password", ["p@$$w0rd", "!@#$%^&*()_+", "tr0ub4dor&3", "(a) [b]"])
def test_ordinary_password_is_examined_unchanged(password: str) -> None:
    assert limit_combinations(password) == password


def test_every_warning_of_zxcvbn_has_a_problem() -> None:
    from zxcvbn_rs_py import Warning as Known

    assert {name for name in dir(Known) if name[0].isupper()} == _PROBLEMS.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_has_words_in_every_language(language: str) -> None:
    words = WORDS[language]["page"]["password"]
    assert words.keys() == {*PasswordProblem, "advice", "rule"}
    assert len(set(words.values())) == len(words)
    if language != "en":
        assert not set(words.values()) & set(WORDS["en"]["page"]["password"].values())
    for problem in PasswordProblem:
        refused = PasswordRefused(problem, "newPassword", 8)
        said = words[problem].format(**refused.limits)
        assert language != "en" or f"{said} {words['advice']}".startswith(refused.message)
        assert (words["advice"] in refused.message) == (problem in EASY_TO_GUESS and language == "en")
