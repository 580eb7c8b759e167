"""Encrypts the tokens of identity providers with PROFILE_API_SECRET before they are stored."""

import os
from base64 import b64decode, b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PREFIX = "v1."
_NONCE_BYTES = 12


class SecretMissing(Exception):  # noqa: N818
    """PROFILE_API_SECRET is not set, so nothing can be encrypted."""


class TokenCipher:
    """Encrypts with AES-256-GCM. The key is derived from the secret with HKDF (RFC 5869).

    Texts are encrypted with `secret`. They are decrypted with `secret`, or else with `previous`.
    """

    def __init__(self, secret: str | None, previous: str | None = None) -> None:
        self._key = None if secret is None else _derive(secret)
        self._previous = None if previous is None else _derive(previous)

    def encrypt(self, text: str) -> str:
        """Raises SecretMissing without a secret."""
        if self._key is None:
            raise SecretMissing
        # AES-GCM is broken when a nonce is used twice with one key, so each text gets a new random nonce.
        nonce = os.urandom(_NONCE_BYTES)
        return _PREFIX + b64encode(nonce + self._key.encrypt(nonce, text.encode(), None)).decode()

    def decrypt(self, encrypted: str) -> str | None:
        """Returns None for a text that was encrypted with another secret, or was not encrypted."""
        text = _decrypt(self._key, encrypted)
        return _decrypt(self._previous, encrypted) if text is None else text

    def renew(self, encrypted: str) -> str | None:
        """Returns a text that needs only the present secret. Returns None for a text that no secret decrypts."""
        if _decrypt(self._key, encrypted) is not None:
            return encrypted
        text = _decrypt(self._previous, encrypted)
        return None if text is None else self.encrypt(text)


def _derive(secret: str) -> AESGCM:
    # The last argument is part of every key: with another value, no stored token could be decrypted.
    return AESGCM(HKDF(SHA256(), 32, None, b"profile-api/sealing/1").derive(secret.encode()))


def _decrypt(key: AESGCM | None, encrypted: str) -> str | None:
    if key is None or not encrypted.startswith(_PREFIX):
        return None
    try:
        content = b64decode(encrypted.removeprefix(_PREFIX), validate=True)
        return key.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], None).decode()
    except (InvalidTag, ValueError):
        return None
