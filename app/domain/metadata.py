"""user_metadata and app_metadata: what may be in them, and how a patch is merged (RFC 7396)."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from app.domain.errors import ErrorCode, Refused
from app.domain.sizes import size_of

MAX_DEPTH = 16
MAX_KEY_BYTES = 128
_INT64 = range(-(2**63), 2**63)

# What Auth0 refuses in app_metadata, since each is an attribute of the profile already.
RESERVED_APP_METADATA = frozenset(
    [
        "__tenant",
        "_id",
        "blocked",
        "clientID",
        "created_at",
        "email_verified",
        "email",
        "globalClientID",
        "global_client_id",
        "identities",
        "lastIP",
        "lastLogin",
        "loginsCount",
        "metadata",
        "multifactor_last_modified",
        "multifactor",
        "updated_at",
        "user_id",
    ]
)


def merge(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7396, to any depth: null deletes a key, an object is merged, anything else replaces. A copy."""
    merged = dict(target)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            below = merged.get(key)
            merged[key] = merge(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def check_patch(patch: object, reserved: frozenset[str] = frozenset()) -> Mapping[str, Any]:
    """The patch, when it is an object that could be stored; else Refused with a path into it.

    Keys: 1 to 128 bytes, no `.`, no NUL, no `$` in front, not `__proto__`. Values: JSON, integers of 64 bits, finite
    numbers, well-formed Unicode, at most 16 levels.
    """
    if not isinstance(patch, Mapping):
        raise _invalid("Metadata is a JSON object.", ("patch",))
    for key in patch:
        if key in reserved:
            raise Refused(
                ErrorCode.FORBIDDEN_FIELD,
                f"{key} is reserved and can't be set in app_metadata.",
                ("patch", key),
            )
    _check_value(patch, ("patch",))
    return patch


def check_size(document: Mapping[str, Any], limit: int) -> None:
    """Refused with TOO_LARGE where the document takes more than `limit` bytes as compact JSON in UTF-8."""
    size = size_of(document)
    if size > limit:
        message = f"The document would take {size} bytes as JSON, and {limit} is the most."
        raise Refused(ErrorCode.TOO_LARGE, message, ("patch",))


def pick(document: Mapping[str, Any], paths: list[str]) -> dict[str, Any]:
    """Only the given dotted paths, nested as in the document. Paths lead through objects; arrays come whole."""
    picked: dict[str, Any] = {}
    for path in paths:
        _pick_one(document, picked, path.split("."))
    return picked


def _pick_one(document: Mapping[str, Any], picked: dict[str, Any], keys: list[str]) -> None:
    value: Any = document
    for key in keys:
        if not isinstance(value, Mapping) or key not in value:
            return
        value = value[key]
    for key in keys[:-1]:
        # What an earlier path picked is the stored object itself: copy before adding to it.
        picked[key] = dict(picked.get(key, {}))
        picked = picked[key]
    picked[keys[-1]] = value


def _check_value(value: object, path: tuple[str, ...]) -> None:
    match value:
        case str():
            _check_text(value, path)
        case bool() | None:
            pass
        case int() if value not in _INT64:
            raise _invalid("An integer beyond 64 bits can't be kept; send it as a string.", path)
        case float() if not math.isfinite(value):
            raise _invalid("NaN and infinities are no JSON numbers.", path)
        case int() | float():
            pass
        case Mapping():
            _check_depth(path)
            for key, below in value.items():
                _check_key(key, path)
                _check_value(below, (*path, key))
        case list():
            _check_depth(path)
            for index, below in enumerate(value):
                _check_value(below, (*path, str(index)))
        case _:
            raise _invalid("Metadata is made of JSON values.", path)


def _check_depth(path: tuple[str, ...]) -> None:
    if len(path) > MAX_DEPTH:
        raise _invalid(f"Metadata nests at most {MAX_DEPTH} levels.", path)


def _check_key(key: object, path: tuple[str, ...]) -> None:
    if not isinstance(key, str) or not is_well_formed(key):
        raise _invalid("A key is well-formed Unicode.", path)
    wrong = _what_is_wrong(key)
    if wrong:
        raise _invalid(f"A key of metadata {wrong}.", (*path, key[:MAX_KEY_BYTES]))


def _what_is_wrong(key: str) -> str | None:
    if not key:
        return "is not empty"
    if len(key.encode()) > MAX_KEY_BYTES:
        return f"has at most {MAX_KEY_BYTES} bytes"
    if "." in key or "\0" in key:
        return "holds no dot and no NUL"
    if key.startswith("$") or key == "__proto__":
        return "does not start with $ and is not __proto__"
    return None


def _check_text(text: str, path: tuple[str, ...]) -> None:
    if not is_well_formed(text):
        raise _invalid("Text is well-formed Unicode: no lone surrogates.", path)


def is_well_formed(text: str) -> bool:
    """Whether UTF-8 can hold it: a lone surrogate, which JSON's escapes can write, can't be stored."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_deeper(value: object, limit: int) -> bool:
    """Whether objects and lists nest more than `limit` levels. Works for any depth, because it does not recurse."""
    level = [value]
    for _ in range(limit + 1):
        level = [below for each in level for below in _items(each)]
        if not level:
            return False
    return True


def _items(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def _invalid(message: str, path: tuple[str, ...]) -> Refused:
    return Refused(ErrorCode.INVALID_INPUT, message, path)
