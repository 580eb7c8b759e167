"""Encryption of secrets at rest."""

from base64 import b64decode, b64encode

import pytest

from app.store.sealing import NotSealable, Sealing

NONCE_BYTES, TAG_BYTES = 12, 16


def content_of(sealed: str) -> bytes:
    assert sealed.startswith("v1.")
    return b64decode(sealed.removeprefix("v1."))


def test_each_sealed_text_has_a_nonce_of_its_own() -> None:
    """Two texts under one nonce of AES-GCM reveal each other and allow forgeries."""
    instances = [Sealing("secret"), Sealing("secret")]
    contents = [content_of(each.seal("token")) for each in instances for _ in range(100)]
    assert len({each[:NONCE_BYTES] for each in contents}) == len(contents)
    assert len({each[NONCE_BYTES:] for each in contents}) == len(contents)
    assert {len(each) for each in contents} == {NONCE_BYTES + len("token") + TAG_BYTES}


@pytest.mark.parametrize("text", ["", "token", "t\u00f6k\u00e9n \U0001f511"])
def test_sealed_text_opens_with_the_same_secret_only(text: str) -> None:
    sealed = Sealing("secret").seal(text)
    assert Sealing("secret").open(sealed) == text
    assert Sealing("another").open(sealed) is None
    assert Sealing(None).open(sealed) is None


def test_sealed_text_does_not_contain_the_text() -> None:
    assert b"token" not in content_of(Sealing("secret").seal("token"))


def test_changed_sealed_text_does_not_open() -> None:
    content = content_of(Sealing("secret").seal("token"))
    for index in range(len(content)):
        changed = bytearray(content)
        changed[index] ^= 1
        assert Sealing("secret").open("v1." + b64encode(changed).decode()) is None


@pytest.mark.parametrize("text", ["", "token", "v1.", "v1.*", "v1.AAAA", "v2."])
def test_text_that_was_not_sealed_does_not_open(text: str) -> None:
    assert Sealing("secret").open(text) is None


def test_sealing_without_a_secret_is_refused() -> None:
    with pytest.raises(NotSealable):
        Sealing(None).seal("token")
