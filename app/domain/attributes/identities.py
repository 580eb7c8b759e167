"""What can be read of an identity, an account with an identity provider."""

import json
from typing import Any

from app.domain.ids import encode_id
from app.domain.rows import Attribute, Join, Kind, Row, made, plain
from app.domain.rules import READ_IDP_TOKENS
from app.domain.secret_names import without_secrets

IDENTITY = Kind("Identity", needs=("provider",))


def _token(name: str, description: str) -> Attribute:
    """Stored encrypted. The decrypted token lies beside the record."""

    def value(row: Row) -> Any:
        return row.joined.get(name)

    return made(name, description, value, (name,), read=READ_IDP_TOKENS, joins=frozenset({Join.TOKENS}))


def profile_data(row: Row) -> Any:
    """What the provider sent, without what is not for readers."""
    text = row.record.get("profile_data")
    return None if text is None else without_secrets(json.loads(text))


def identity_id(row: Row) -> str:
    """An identity has no document of its own: what names it is its id."""
    document = row.record
    return encode_id("Identity", "|".join((document["provider"], document["connection"], document["user_id"])))


IDENTITY.add(
    [
        made(
            "id",
            "Names this identity in `unlinkIdentity`.",
            identity_id,
            ("provider", "connection", "user_id"),
        ),
        plain("provider", "The strategy: google-oauth2, auth0, samlp, ...", "raw", "personal"),
        plain("connection", "The connection that the account came in by.", "raw", "personal"),
        plain("user_id", "The provider's id of the account.", "raw", "personal"),
        plain("is_social", "Whether the provider is a social network.", "raw", "personal", default=False),
        made(
            "is_primary",
            "Whether the profile's root attributes come from this identity.",
            lambda row: row.joined["position"] == 0,
            (),
        ),
        made(
            "profile_data",
            "Everything that this identity provider last sent, without metadata and without what is named like a"
            " password, a token, a key or another secret.",
            profile_data,
            ("profile_data",),
            "raw",
            "personal",
        ),
        _token("access_token", "The provider's access token for this user."),
        _token("refresh_token", "The provider's refresh token for this user."),
    ]
)
