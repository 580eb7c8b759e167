"""Secrets at rest: encrypted with PROFILE_API_SECRET, so that a copy of the database tells none."""

import os
from base64 import b64decode, b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PREFIX = "v1."
_NONCE_BYTES = 12


class NotSealable(Exception):  # noqa: N818
    """There is no PROFILE_API_SECRET to encrypt with."""


class Sealing:
    """AES-256-GCM, with a key derived from the secret (HKDF, RFC 5869) and a nonce of its own for each text."""

    def __init__(self, secret: str | None) -> None:
        self._key: AESGCM | None = None
        if secret is not None:
            derived = HKDF(SHA256(), 32, None, b"profile-api/sealing/1").derive(secret.encode())
            self._key = AESGCM(derived)

    def seal(self, text: str) -> str:
        """NotSealable without a secret."""
        if self._key is None:
            raise NotSealable
        nonce = os.urandom(_NONCE_BYTES)
        return _PREFIX + b64encode(nonce + self._key.encrypt(nonce, text.encode(), None)).decode()

    def open(self, sealed: str) -> str | None:
        """None for what was sealed with another secret, or was not sealed at all."""
        if self._key is None or not sealed.startswith(_PREFIX):
            return None
        try:
            content = b64decode(sealed.removeprefix(_PREFIX), validate=True)
            return self._key.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], None).decode()
        except (InvalidTag, ValueError):
            return None
