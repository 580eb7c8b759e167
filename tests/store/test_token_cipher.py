"""Encryption of secrets at rest."""

from base64 import b64decode, b64encode

import pytest

from app.store.token_cipher import SecretMissing, TokenCipher

NONCE_BYTES, TAG_BYTES = 12, 16


def content_of(encrypted: str) -> bytes:
    assert encrypted.startswith("v1.")
    return b64decode(encrypted.removeprefix("v1."))


def test_each_encrypted_text_has_its_own_nonce() -> None:
    """Two texts under one nonce of AES-GCM reveal each other and allow forgeries."""
    instances = [TokenCipher("secret"), TokenCipher("secret")]
    contents = [content_of(each.encrypt("token")) for each in instances for _ in range(100)]
    assert len({each[:NONCE_BYTES] for each in contents}) == len(contents)
    assert len({each[NONCE_BYTES:] for each in contents}) == len(contents)
    assert {len(each) for each in contents} == {NONCE_BYTES + len("token") + TAG_BYTES}


@pytest.mark.parametrize("text", ["", "token", "t\u00f6k\u00e9n \U0001f511"])
def test_text_is_decrypted_with_the_same_secret_only(text: str) -> None:
    encrypted = TokenCipher("secret").encrypt(text)
    assert TokenCipher("secret").decrypt(encrypted) == text
    assert TokenCipher("another").decrypt(encrypted) is None
    assert TokenCipher(None).decrypt(encrypted) is None


def test_encrypted_text_does_not_contain_the_text() -> None:
    assert b"token" not in content_of(TokenCipher("secret").encrypt("token"))


def test_text_that_an_earlier_version_encrypted_is_decrypted() -> None:
    """The key derivation and the format are those of the stored tokens: a change makes them unreadable."""
    stored = "v1.7kujdBNQ3vfefaKoo/VcAobj2NbHTwPCGDbauM9MwHfH"
    assert TokenCipher("a secret of sixteen").decrypt(stored) == "token"


def test_changed_text_is_not_decrypted() -> None:
    content = content_of(TokenCipher("secret").encrypt("token"))
    for index in range(len(content)):
        changed = bytearray(content)
        changed[index] ^= 1
        assert TokenCipher("secret").decrypt("v1." + b64encode(changed).decode()) is None


@pytest.mark.parametrize("text", ["", "token", "v1.", "v1.*", "v1.AAAA", "v2."])
def test_text_that_was_not_encrypted_is_not_decrypted(text: str) -> None:
    assert TokenCipher("secret").decrypt(text) is None


def test_text_of_the_previous_secret_is_decrypted_and_renewed() -> None:
    cipher, old, new = TokenCipher("new", "old"), TokenCipher("old"), TokenCipher("new")
    assert cipher.decrypt(old.encrypt("token")) == "token"
    assert new.decrypt(cipher.encrypt("token")) == "token"
    renewed = cipher.renew(old.encrypt("token"))
    assert renewed
    assert new.decrypt(renewed) == "token"


def test_text_is_renewed_only_if_it_needs_the_previous_secret() -> None:
    current = TokenCipher("new").encrypt("token")
    assert TokenCipher("new", "old").renew(current) == current
    assert TokenCipher("new", "old").renew(TokenCipher("lost").encrypt("token")) is None


def test_encrypting_without_a_secret_is_refused() -> None:
    with pytest.raises(SecretMissing):
        TokenCipher(None).encrypt("token")
