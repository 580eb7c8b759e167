"""Global ids, as Relay means them: opaque to clients, the type and the document's `_id` to us."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import NewType

# The id of a stored object. Only the store knows what it consists of; str(key) is its text.
Key = NewType("Key", object)


def encode_id(kind: str, key: object) -> str:
    """`kind` is the GraphQL type. `key` is a Key, or the text that tells objects of this kind apart."""
    return urlsafe_b64encode(f"{kind}:{key}".encode()).decode().rstrip("=")


def decode_id(text: str) -> tuple[str, str] | None:
    """(type, key), or None for what `encode_id` never made."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        kind, colon, key = urlsafe_b64decode(padded).decode().partition(":")
    except (Base64Error, UnicodeError, ValueError):
        return None
    return (kind, key) if colon and encode_id(kind, key) == text else None
