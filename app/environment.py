"""The text of an environment variable: how lists and JSON are read, and the sentence for each kind of mistake.

No sentence repeats a value.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

PREFIX = "PROFILE_API_"
# A name with so many edits is a known name with a typing mistake.
_EDITS = 2

# Each error type of pydantic that a variable can cause. A field's description says what a pattern means.
_MISTAKES = {
    "missing": "is missing",
    "extra_forbidden": "is not known",
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
    """What is wrong with a value, for the operator. `error` is one of pydantic's; none of its text is used."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in ("string_too_short", "too_short"):
        # pydantic counts the characters of a secret as it counts a list.
        least, things = context["min_length"], "entries" if context.get("field_type") == "List" else "characters"
        return "must not be empty" if least == 1 else f"must have at least {least} {things}"
    if kind == "int_parsing" and str(error["input"]).startswith("tcp://"):
        return (
            "must be a whole number, but holds a URL that Kubernetes sets for a Service named profile-api:"
            " set the variable in the pod, or set enableServiceLinks to false"
        )
    if kind in _MISTAKES:
        return _MISTAKES[kind].format(**context)
    return f"must be {description}" if description else "has a value that is not accepted"


def parse_json(value: object) -> object:
    """The value of a variable that holds JSON. ValueError with the place of the mistake."""
    if not isinstance(value, str):
        return value
    try:
        parsed = json.loads(value)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise ValueError("is not JSON that can be read: it is nested too deeply") from None
    if parsed is None:
        raise ValueError("must not be null")
    return parsed


def parse_list(value: object) -> object:
    """The value of a variable that holds a list: texts with commas between."""
    return [each.strip() for each in value.split(",") if each.strip()] if isinstance(value, str) else value


def misspelt(names: Iterable[str], known: Collection[str]) -> dict[str, list[str]]:
    """The variables whose names are almost known, each with the known names that it is nearest to."""
    return {name: nearest for name in unknown(names, known) if (nearest := _nearest(name.upper(), known))}


def unknown(names: Iterable[str], known: Collection[str]) -> list[str]:
    """The variables with the prefix that nothing reads. Case does not matter."""
    return sorted(each for each in names if each.upper().startswith(PREFIX) and each.upper() not in known)


def _nearest(name: str, known: Collection[str]) -> list[str]:
    by_distance: dict[int, list[str]] = {}
    for each in sorted(known):
        by_distance.setdefault(_distance(name, each), []).append(each)
    least = min(by_distance)
    return by_distance[least] if least <= _EDITS else []


def _distance(one: str, other: str) -> int:
    """Levenshtein's: how many characters are inserted, deleted or replaced."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        before, row[0] = row[0], number
        for place, other_letter in enumerate(other, 1):
            cost = before if letter == other_letter else before + 1
            before, row[place] = row[place], min(cost, row[place] + 1, row[place - 1] + 1)
    return row[-1]


def describe_unreadable(error: OSError) -> str:
    """Why a file or folder that a variable names cannot be read."""
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if isinstance(error, IsADirectoryError):
        return "is a directory"
    if isinstance(error, NotADirectoryError):
        return "is not a directory"
    if isinstance(error, PermissionError):
        return "cannot be read by this user"
    return f"cannot be read ({error.strerror})"
