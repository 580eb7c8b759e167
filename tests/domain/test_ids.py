"""Global ids: encoding and decoding, and invalid ids."""

from base64 import b64encode, urlsafe_b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.ids import decode_id, encode_id

settings.register_profile("profile-api", deadline=None, derandomize=True)
settings.load_profile("profile-api")

KINDS = st.sampled_from(["User", "Role", "AuthConnection", "LogEvent", "Identity"])
KEY = "65f0c0ffee0123456789abcd"
ID = encode_id("User", KEY)


def unpadded(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


@given(KINDS, st.text())
def test_id_decodes_to_what_was_encoded(kind: str, key: str) -> None:
    encoded = encode_id(kind, key)
    assert decode_id(encoded) == (kind, key)
    assert encoded.isascii()
    assert not set(encoded) & set("=+/:")


@given(KINDS, KINDS, st.text(max_size=3), st.text(max_size=3))
def test_different_objects_have_different_ids(kind: str, other_kind: str, key: str, other_key: str) -> None:
    assert (encode_id(kind, key) == encode_id(other_kind, other_key)) == ((kind, key) == (other_kind, other_key))


def test_key_is_encoded_as_its_text() -> None:
    assert decode_id(encode_id("Role", 7)) == ("Role", "7")
    assert decode_id(encode_id("Identity", "a|b:c|d")) == ("Identity", "a|b:c|d")
    assert decode_id(encode_id("User", "")) == ("User", "")


@given(st.text() | st.text(st.sampled_from("VXNlcjox-_=+/ \n")) | st.binary().map(unpadded))
def test_text_that_was_not_encoded_is_no_id(text: str) -> None:
    decoded = decode_id(text)
    assert decoded is None or encode_id(*decoded) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "A",
        "AAAAA",
        "User:1",
        KEY,
        unpadded(b"User"),
        unpadded(b"User:\xff\xfe"),
        unpadded(b"User:\xed\xa0\x80"),
        b64encode(b"User:???>>>").decode(),
        ID + "=",
        ID + "==",
        ID + " ",
        ID + "\n",
        " " + ID,
        ID[:4] + "!" + ID[4:],
        ID[:4] + "\n" + ID[4:],
        "é" + ID,
        "\ud800",
        "\0",
        # Unused bits at the end must be zero, so that each object has one id only.
        unpadded(b"User:1a")[:-1] + "R",
    ],
)
def test_random_text_decodes_to_none(text: str) -> None:
    assert decode_id(text) is None
