"""Parses lists and JSON in environment variables, and describes each kind of mistake in one sentence.

A description never contains the value of a variable, because the value may be a secret.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

PREFIX = "PROFILE_API_"
# A name that differs from a known name in at most this many characters is treated as a typing mistake.
_MAX_EDITS = 2

# The text for each error type of pydantic. Its own messages are not used, because they can contain the value. For a
# pattern, the description of the field is used instead.
_MISTAKES = {
    "missing": "is missing",
    "extra_forbidden": "is not a known key",
    "invalid_key": "must have strings as keys",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "string_type": "must be a string",
    "string_unicode": "must be UTF-8",
    "string_too_long": "must have at most {max_length} characters",
    "too_long": "must have at most {max_length} entries",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "is too large a number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "greater_than": "must be more than {gt:.15g}",
    "greater_than_equal": "must be at least {ge:.15g}",
    "less_than": "must be less than {lt:.15g}",
    "less_than_equal": "must be at most {le:.15g}",
    "literal_error": "must be {expected}",
    "value_error": "{error}",
}


def describe_mistake(error: Mapping[str, Any], description: str | None) -> str:
    """Returns what is wrong with a value, for the operator.

    `error` is an item of pydantic's `ValidationError.errors()`.
    """
    kind, context = error["type"], error.get("ctx", {})
    if kind in ("string_too_short", "too_short"):
        # pydantic reports a short secret like a short list. Only its `field_type` shows the difference.
        least, things = context["min_length"], "entries" if context.get("field_type") == "List" else "characters"
        return "must not be empty" if least == 1 else f"must have at least {least} {things}"
    if kind == "int_parsing" and str(error["input"]).startswith("tcp://"):
        return (
            "must be a whole number, but contains a URL, which Kubernetes sets for a Service named profile-api:"
            " set the variable in the pod, or set enableServiceLinks to false"
        )
    if kind in _MISTAKES:
        return _MISTAKES[kind].format(**context)
    return f"must be {description}" if description else "has a value that is not accepted"


def parse_json(value: object) -> object:
    """Parses a variable with a JSON value. Raises ValueError with the line and column of a mistake."""
    if not isinstance(value, str):
        return value
    try:
        parsed = json.loads(value)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise ValueError("is not valid: its JSON is nested too deeply") from None
    if parsed is None:
        raise ValueError("must not be null")
    return parsed


def parse_list(value: object) -> object:
    """Parses a variable with a list of texts that are separated by commas."""
    return [each.strip() for each in value.split(",") if each.strip()] if isinstance(value, str) else value


def find_misspelt(names: Iterable[str], known: Collection[str]) -> dict[str, list[str]]:
    """Returns the variables with a typing mistake in their name, each with the most similar known names."""
    return {name: nearest for name in find_unknown(names, known) if (nearest := _find_nearest(name.upper(), known))}


def find_unknown(names: Iterable[str], known: Collection[str]) -> list[str]:
    """Returns the variables with the prefix PROFILE_API_ that are not known. Case does not matter."""
    return sorted(each for each in names if each.upper().startswith(PREFIX) and each.upper() not in known)


def _find_nearest(name: str, known: Collection[str]) -> list[str]:
    by_distance: dict[int, list[str]] = {}
    for each in sorted(known):
        by_distance.setdefault(_distance(name, each), []).append(each)
    least = min(by_distance)
    return by_distance[least] if least <= _MAX_EDITS else []


def _distance(one: str, other: str) -> int:
    """Returns the Levenshtein distance: the number of inserted, deleted and replaced characters."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        before, row[0] = row[0], number
        for place, other_letter in enumerate(other, 1):
            cost = before if letter == other_letter else before + 1
            before, row[place] = row[place], min(cost, row[place] + 1, row[place - 1] + 1)
    return row[-1]


def describe_unreadable(error: OSError) -> str:
    """Returns why a file or folder that a variable names cannot be read."""
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if isinstance(error, IsADirectoryError):
        return "is a directory"
    if isinstance(error, NotADirectoryError):
        return "is not a directory"
    if isinstance(error, PermissionError):
        return "cannot be read by this user"
    return f"cannot be read ({error.strerror})"
