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
    """AES-256-GCM, with a key derived from the secret (HKDF, RFC 5869) and a nonce of its own for each text."""

    def __init__(self, secret: str | None) -> None:
        self._key: AESGCM | None = None
        if secret is not None:
            derived = HKDF(SHA256(), 32, None, b"profile-api/sealing/1").derive(secret.encode())
            self._key = AESGCM(derived)

    def encrypt(self, text: str) -> str:
        """SecretMissing without a secret."""
        if self._key is None:
            raise SecretMissing
        nonce = os.urandom(_NONCE_BYTES)
        return _PREFIX + b64encode(nonce + self._key.encrypt(nonce, text.encode(), None)).decode()

    def decrypt(self, encrypted: str) -> str | None:
        """None for a text that was encrypted with another secret, or was not encrypted."""
        if self._key is None or not encrypted.startswith(_PREFIX):
            return None
        try:
            content = b64decode(encrypted.removeprefix(_PREFIX), validate=True)
            return self._key.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], None).decode()
        except (InvalidTag, ValueError):
            return None
