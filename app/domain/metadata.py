"""user_metadata and app_metadata: which values and sizes they may have, and how a patch is merged (RFC 7396)."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from app.domain.errors import ErrorCode, Refused
from app.domain.sizes import size_of

MAX_DEPTH = 16
MAX_KEY_BYTES = 128
INT64 = range(-(2**63), 2**63)

# Keys that app_metadata must not contain, as in Auth0: each is the name of an attribute, and would be confused with it.
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
    """Returns a copy of `target` with the merge patch applied (RFC 7396).

    Null deletes a key, an object is merged at any depth, and any other value replaces the old one.
    """
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
    """Returns the patch if it can be stored.

    Raises Refused with INVALID_INPUT and the path of the value that is not allowed, or FORBIDDEN_FIELD for a top-level
    key in `reserved`. A key must have 1 to 128 bytes, must not contain a dot or NUL, must not begin with `$`, and must
    not be `__proto__`. A value must be JSON with integers of 64 bits, finite numbers, well-formed Unicode and at most
    16 levels.
    """
    if not isinstance(patch, Mapping):
        raise _invalid("Metadata must be a JSON object.", ("patch",))
    for key in patch:
        if key in reserved:
            raise Refused(
                ErrorCode.FORBIDDEN_FIELD,
                f"The key {key} is reserved and cannot be set in app_metadata.",
                ("patch", key),
            )
    _check_value(patch, ("patch",))
    return patch


def check_size(document: Mapping[str, Any], limit: int) -> None:
    """Raises Refused with TOO_LARGE when the document has more than `limit` bytes as compact JSON in UTF-8.

    Metadata mutations, login rules and new accounts call this function for the whole document that they would store.
    `limit` is PROFILE_API_METADATA_MAX_BYTES.
    """
    size = size_of(document)
    if size > limit:
        message = f"The document would have {size} bytes as JSON. The limit is {limit} bytes."
        raise Refused(ErrorCode.TOO_LARGE, message, ("patch",))


def pick(document: Mapping[str, Any], paths: list[str]) -> dict[str, Any]:
    """Returns only the values at the given dotted paths, nested as in the document. An array is returned as a whole."""
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
        # An earlier path may have picked the stored object itself. Other requests share it, so it is copied first.
        picked[key] = dict(picked.get(key, {}))
        picked = picked[key]
    picked[keys[-1]] = value


def _check_value(value: object, path: tuple[str, ...]) -> None:
    match value:
        case str():
            _check_text(value, path)
        # bool comes before int, because a bool is an int in Python.
        case bool() | None:
            pass
        case int() if value not in INT64:
            raise _invalid("An integer must fit into 64 bits. Send a larger integer as a string.", path)
        case float() if not math.isfinite(value):
            raise _invalid("JSON does not allow NaN and infinity.", path)
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
            raise _invalid("Metadata must contain only JSON values.", path)


def _check_depth(path: tuple[str, ...]) -> None:
    if len(path) > MAX_DEPTH:
        raise _invalid(f"Metadata can have at most {MAX_DEPTH} levels.", path)


def _check_key(key: object, path: tuple[str, ...]) -> None:
    if not isinstance(key, str) or not is_well_formed(key):
        raise _invalid("A key must be well-formed Unicode.", path)
    violated = _find_violated_rule(key)
    if violated:
        raise _invalid(f"A key of metadata must {violated}.", (*path, key[:MAX_KEY_BYTES]))


def _find_violated_rule(key: str) -> str | None:
    if not key:
        return "not be empty"
    if len(key.encode()) > MAX_KEY_BYTES:
        return f"have at most {MAX_KEY_BYTES} bytes"
    # MongoDB reads a dot as a path and a leading $ as an operator. JavaScript changes the prototype for __proto__.
    if "." in key or "\0" in key:
        return "not contain a dot or a NUL character"
    if key.startswith("$") or key == "__proto__":
        return "not begin with $ and must not be __proto__"
    return None


def _check_text(text: str, path: tuple[str, ...]) -> None:
    if not is_well_formed(text):
        raise _invalid("A text must be well-formed Unicode, without lone surrogates.", path)


def is_well_formed(text: str) -> bool:
    """Whether the text can be encoded in UTF-8. JSON can contain a lone surrogate as an escape, which UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_deeper(value: object, limit: int) -> bool:
    """Whether objects and lists are nested in more than `limit` levels."""
    # Not recursive: a deeply nested value from a caller would exceed Python's recursion limit.
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
