"""Terms and grams: what the search index contains of a profile.

A term is a text `path NUL tag value`, so that one index serves every field, every type, and every comparison: equality,
prefix, range and existence. Grams are the groups of three letters of the texts that identify a person. They make the
search for a part of a text selective. `store/users.py` derives both at each write.
"""

import struct
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Any

# The version of everything that is derived here. A change of a rule below needs a new number, because
# `profile-api migrate` derives again what has an older one.
SEARCH_VERSION = 1
# The number of terms of a profile. More would make each write of the profile slow: 12,000 terms take 50 ms.
MAX_TERMS = 2_000
# Characters of a text in a term. A longer text is cut, and its hash is added, so that equality stays exact.
MAX_TEXT = 320
GRAM = 3
SEPARATOR = "\0"
# The stored field with the terms of a profile.
TERMS = "terms"
# Separates a cut text from its hash. Below all printable characters, so that the order of texts stays the same.
_CUT = "\x01"
_TEXT, _NUMBER, _BOOLEAN, _EXISTS = "s", "n", "b", "e"
# Doubles represent each integer exactly up to here.
_EXACT_INTEGERS = 2**53
# More than the distance of a 64-bit integer to the nearest double.
_RESIDUE = 2048
# Letters without a canonical decomposition that people type without their stroke or as two letters.
_PLAIN_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th"})
_COMBINING = range(0x300, 0x370)
# Scripts in which a word of two letters is common: Han, kana and Hangul.
_SHORT_WORDS = (range(0x3040, 0x3100), range(0x3400, 0xA000), range(0xAC00, 0xD7B0), range(0x20000, 0x32000))

# The fields in which a term without a field is searched, and whose grams are stored.
PERSON_PATHS = (
    "name",
    "given_name",
    "family_name",
    "nickname",
    "email",
    "username",
    "phone_number",
    "user_id",
    "identities.user_id",
)
# The path of the keys of the roles that a user has.
ROLE = "role"
METADATA = ("user_metadata", "app_metadata")
_BOOLEANS = ("blocked", "email_verified", "phone_verified")


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one profile in ascending order. `complete` is false when it would have more than MAX_TERMS."""

    values: Sequence[str]
    complete: bool


def fold_for_search(text: str) -> str:
    """The text without case and accents: NFKC, casefold, and no combining diacritical marks."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_PLAIN_LETTERS)
    letters = (each for each in unicodedata.normalize("NFD", folded) if ord(each) not in _COMBINING)
    # Terms use NUL as their separator.
    return unicodedata.normalize("NFKC", "".join(letters)).replace(SEPARATOR, "�")


def text_head(path: str) -> str:
    """The beginning of each text term of this path."""
    return f"{path}{SEPARATOR}{_TEXT}"


def number_head(path: str) -> str:
    """The beginning of each number term of this path."""
    return f"{path}{SEPARATOR}{_NUMBER}"


def path_head(path: str) -> str:
    """The beginning of each term of this path, of any type."""
    return f"{path}{SEPARATOR}"


def exists_term(path: str) -> str:
    """The term of a metadata path that has a value."""
    return f"{path}{SEPARATOR}{_EXISTS}"


def to_term(path: str, value: object) -> str:
    """The term of a text, a number or a boolean at this path."""
    match value:
        case bool():
            return f"{path}{SEPARATOR}{_BOOLEAN}{int(value)}"
        case int() | float():
            return number_head(path) + _sortable_number(value)
        case str():
            return text_head(path) + _cut(fold_for_search(value))
        case _:
            raise TypeError(type(value).__name__)


def _cut(text: str) -> str:
    if len(text) <= MAX_TEXT:
        return text
    return f"{text[:MAX_TEXT]}{_CUT}{sha256(text.encode()).hexdigest()[:16]}"


def _sortable_number(value: float) -> str:
    """Hexadecimal digits in the order of the numbers: a double with its sign bit inverted, then what it rounds away."""
    try:
        double = float(value)
    except OverflowError:
        double = float("inf") if value > 0 else float("-inf")
    # -0.0 and 0.0 are equal, but have different bits.
    bits = struct.unpack(">Q", struct.pack(">d", double or 0.0))[0]
    bits = bits ^ 0xFFFF_FFFF_FFFF_FFFF if bits >> 63 else bits | 1 << 63
    if abs(double) < _EXACT_INTEGERS or double in (float("inf"), float("-inf")):
        return f"{bits:016x}"
    return f"{bits:016x}{int(value) - int(double) + _RESIDUE:04x}"


def terms_of(document: Mapping[str, Any]) -> Terms:
    """The terms of a profile as it is stored. A profile that is linked to another has none: no search finds it."""
    if document.get("linked_to") is not None:
        return Terms((), True)
    found: dict[str, None] = {}
    for term in _all_terms(document):
        if len(found) == MAX_TERMS and term not in found:
            return Terms(sorted(found), False)
        found[term] = None
    return Terms(sorted(found), True)


def _all_terms(document: Mapping[str, Any]) -> Iterator[str]:
    """The fields that every profile has come first, so that a large metadata document cannot displace them."""
    yield from _profile_terms(document)
    yield from _identity_terms(document)
    for name in METADATA:
        if document.get(name):
            yield from _metadata_terms(name, document[name])


def _profile_terms(document: Mapping[str, Any]) -> Iterator[str]:
    for path, text in _person_texts(document):
        yield to_term(path, text)
    if document.get("email"):
        yield to_term("email.domain", document["email"].rpartition("@")[2])
    if document.get("last_ip"):
        yield to_term("last_ip", document["last_ip"])
    for name in _BOOLEANS:
        if document.get(name) is not None:
            yield to_term(name, document[name])
    for role in document.get("role_ids", ()):
        yield to_term(ROLE, str(role))


def _identity_terms(document: Mapping[str, Any]) -> Iterator[str]:
    for identity in document.get("identities", ()):
        for name in ("provider", "connection"):
            if identity.get(name):
                yield to_term(f"identities.{name}", identity[name])


def _metadata_terms(path: str, value: Any) -> Iterator[str]:
    if value is None:
        return
    yield exists_term(path)
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _metadata_terms(f"{path}.{key}".replace(SEPARATOR, "�"), below)
    elif isinstance(value, list | tuple):
        # The elements of an array have the array's path, and so do the fields of objects in it.
        for each in value:
            yield from _metadata_terms(path, each)
    else:
        yield to_term(path, value)


def _person_texts(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for path in PERSON_PATHS:
        if path == "identities.user_id":
            for identity in document.get("identities", ()):
                if identity.get("user_id"):
                    yield path, identity["user_id"]
        elif document.get(path):
            yield path, document[path]


def grams_of_document(document: Mapping[str, Any]) -> list[str]:
    """The grams of the texts that identify the person. A profile that is linked to another has none."""
    if document.get("linked_to") is not None:
        return []
    texts = {fold_for_search(text)[:MAX_TEXT] for _, text in _person_texts(document)}
    return sorted({gram for text in texts for gram in grams_of(text)})


def grams_of(text: str) -> set[str]:
    """The groups of three letters of a folded text, and the pairs of letters of scripts with words of two letters."""
    found = {text[i : i + GRAM] for i in range(len(text) - GRAM + 1)}
    found.update(pair for one, other in pairwise(text) if _is_short_word(pair := one + other))
    return found


def _is_short_word(pair: str) -> bool:
    return all(any(ord(letter) in each for each in _SHORT_WORDS) for letter in pair)


def successor(text: str) -> str:
    """The smallest text, by code point, that is greater than every text that begins with this one."""
    while text and ord(text[-1]) == 0x10FFFF:
        text = text[:-1]
    following = ord(text[-1]) + 1
    # Surrogates are not characters.
    return text[:-1] + chr(0xE000 if following == 0xD800 else following)
