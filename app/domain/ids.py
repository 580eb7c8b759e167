"""Global ids as in Relay. They contain the GraphQL type and the `_id` of a document; clients must not read them."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import NewType

# The `_id` of a stored object. Only the store knows its type, an ObjectId; str(key) is its text.
Key = NewType("Key", object)


def encode_id(kind: str, key: object) -> str:
    """Returns the global id. `kind` is the GraphQL type. `key` is a Key, or a text that identifies the object."""
    return urlsafe_b64encode(f"{kind}:{key}".encode()).decode().rstrip("=")


def decode_id(text: str) -> tuple[str, str] | None:
    """Returns the type and the key, or None for a text that `encode_id` cannot have made."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        kind, colon, key = urlsafe_b64decode(padded).decode().partition(":")
    except (Base64Error, UnicodeError, ValueError):
        return None
    return (kind, key) if colon and encode_id(kind, key) == text else None
