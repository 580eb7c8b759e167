"""How hard a password is to guess, as zxcvbn estimates it."""

from math import prod

from app.domain.passwords import PasswordProblem

# Of 0 to 4. zxcvbn: "any score less than 3 should be considered too weak".
_LEAST_SCORE = 3
# The signs that zxcvbn takes for letters. It tries each combination of their meanings, so that a text with all of them
# takes it seconds.
_SUBSTITUTES = ("4@", "8", "({[<", "3", "69", "1!|", "1|7", "0", "$5", "+7", "%", "2")
_MOST_COMBINATIONS = 8
# One sign for each meaning.
_ALIKE = str.maketrans("@{[<!|$+", "4(((1157")

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
    """Returns why a password is too easy to guess, or None. `words` are those that are tried first.

    Takes at most about a tenth of a second for the longest password, without holding up other threads.
    """
    # Loading its dictionaries takes a moment, so not before somebody chooses a password.
    from zxcvbn_rs_py import zxcvbn

    found = zxcvbn(bounded(password), words)
    if int(found.score) >= _LEAST_SCORE:
        return None
    warning = found.feedback.warning if found.feedback else None
    # The library names a warning in `repr`; `str` is its English text.
    return _PROBLEMS.get(repr(warning).rpartition(".")[2], PasswordProblem.GUESSABLE)


def bounded(password: str) -> str:
    """The password as it is examined: with few signs of the same meaning."""
    combinations = prod(max(1, sum(sign in password for sign in signs)) for signs in _SUBSTITUTES)
    return password.translate(_ALIKE) if combinations > _MOST_COMBINATIONS else password
