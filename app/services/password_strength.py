"""Password strength: how hard a password is to guess, estimated by zxcvbn."""

from math import prod

from app.domain.passwords import PasswordProblem

# The minimum score of 0 to 4. zxcvbn says: "any score less than 3 should be considered too weak".
_MIN_SCORE = 3
# Each text contains the signs that zxcvbn reads as the same letter. It tries every combination of their meanings, so a
# password with all of these signs would keep a core busy for seconds.
_SUBSTITUTES = ("4@", "8", "({[<", "3", "69", "1!|", "1|7", "0", "$5", "+7", "%", "2")
_MAX_COMBINATIONS = 8
# Replaces each sign by one sign with the same meaning.
_ONE_SIGN = str.maketrans("@{[<!|$+", "4(((1157")

_PROBLEMS = {
    "StraightRowsOfKeysAreEasyToGuess": PasswordProblem.SEQUENCE,
    "ShortKeyboardPatternsAreEasyToGuess": PasswordProblem.SEQUENCE,
    "SequencesLikeAbcAreEasyToGuess": PasswordProblem.SEQUENCE,
    "RepeatsLikeAaaAreEasyToGuess": PasswordProblem.REPEATED,
    "RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess": PasswordProblem.REPEATED,
    "ThisIsATop10Password": PasswordProblem.COMMON,
    "ThisIsATop100Password": PasswordProblem.COMMON,
    "ThisIsACommonPassword": PasswordProblem.COMMON,
    "ThisIsSimilarToACommonlyUsedPassword": PasswordProblem.COMMON,
    "AWordByItselfIsEasyToGuess": PasswordProblem.WORD,
    "NamesAndSurnamesByThemselvesAreEasyToGuess": PasswordProblem.NAME,
    "CommonNamesAndSurnamesAreEasyToGuess": PasswordProblem.NAME,
    "RecentYearsAreEasyToGuess": PasswordProblem.DATE,
    "DatesAreOftenEasyToGuess": PasswordProblem.DATE,
}


def find_problem(password: str, words: list[str]) -> PasswordProblem | None:
    """Returns why a password is too easy to guess, or None. `words` are words that an attacker would try first.

    It takes at most about a tenth of a second for the longest password, and does not block other threads.
    """
    # The import loads dictionaries, which takes time, so it waits until the first password is checked.
    from zxcvbn_rs_py import zxcvbn

    found = zxcvbn(limit_combinations(password), words)
    if int(found.score) >= _MIN_SCORE:
        return None
    warning = found.feedback.warning if found.feedback else None
    # `repr` of a warning is its name; `str` is an English text, which a new version of the library may change.
    return _PROBLEMS.get(repr(warning).rpartition(".")[2], PasswordProblem.GUESSABLE)


def limit_combinations(password: str) -> str:
    """Returns the password to examine. Signs with the same meaning are replaced when they have many combinations."""
    combinations = prod(max(1, sum(sign in password for sign in signs)) for signs in _SUBSTITUTES)
    return password.translate(_ONE_SIGN) if combinations > _MAX_COMBINATIONS else password
