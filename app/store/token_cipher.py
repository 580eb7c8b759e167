"""Encryption of the tokens of identity providers before they are stored, with PROFILE_API_SECRET."""

import os
from base64 import b64decode, b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PREFIX = "v1."
_NONCE_BYTES = 12


class SecretMissing(Exception):  # noqa: N818
    """There is no PROFILE_API_SECRET to encrypt with."""


class TokenCipher:
    """AES-256-GCM, with a key derived from the secret (HKDF, RFC 5869) and a new nonce for each text.

    Encrypts with `secret`. Decrypts what was encrypted with `secret` or with `previous`.
    """

    def __init__(self, secret: str | None, previous: str | None = None) -> None:
        self._key = None if secret is None else _derive(secret)
        self._previous = None if previous is None else _derive(previous)

    def encrypt(self, text: str) -> str:
        """Raises SecretMissing without a secret."""
        if self._key is None:
            raise SecretMissing
        nonce = os.urandom(_NONCE_BYTES)
        return _PREFIX + b64encode(nonce + self._key.encrypt(nonce, text.encode(), None)).decode()

    def decrypt(self, encrypted: str) -> str | None:
        """Returns None for a text that was encrypted with another secret, or was not encrypted."""
        text = _decrypt(self._key, encrypted)
        return _decrypt(self._previous, encrypted) if text is None else text

    def renew(self, encrypted: str) -> str | None:
        """Encrypts the text again if it needs the previous secret. Returns None for a text that no secret decrypts."""
        if _decrypt(self._key, encrypted) is not None:
            return encrypted
        text = _decrypt(self._previous, encrypted)
        return None if text is None else self.encrypt(text)


def _derive(secret: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, None, b"profile-api/sealing/1").derive(secret.encode()))


def _decrypt(key: AESGCM | None, encrypted: str) -> str | None:
    if key is None or not encrypted.startswith(_PREFIX):
        return None
    try:
        content = b64decode(encrypted.removeprefix(_PREFIX), validate=True)
        return key.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], None).decode()
    except (InvalidTag, ValueError):
        return None
