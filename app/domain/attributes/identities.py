"""The attributes of an identity, an account with an identity provider."""

import json
from functools import partial
from typing import Any

from app.domain.filters import Record
from app.domain.ids import encode_id
from app.domain.kinds import Computed, Join, Joined, Kind, Takes, computed, stored
from app.domain.rules import READ_IDP_TOKENS
from app.domain.search_fields import text
from app.domain.secret_names import without_secrets

IDENTITY = Kind("Identity", needs=("provider",))


def _id(record: Record) -> str:
    # An identity has no `_id` of its own, so its global id is made from the fields that identify it.
    return encode_id("Identity", "|".join((record["provider"], record["connection"], record["user_id"])))


def _is_primary(record: Record, joined: Joined) -> bool:
    return bool(joined["position"] == 0)


def _profile_data(record: Record) -> Any:
    text = record.get("profile_data")
    return None if text is None else without_secrets(json.loads(text))


def _token(name: str, description: str) -> Computed:
    """Declares a token of the provider."""
    # Tokens are stored encrypted, so the value comes from the joined data, where the service puts the decrypted token.
    return computed(
        name,
        description,
        lambda record, joined: joined.get(name),
        needs=(name,),
        takes=Takes.JOINED,
        joins=frozenset({Join.TOKENS}),
        read=READ_IDP_TOKENS,
    )


_field = partial(stored, in_raw=True, personal=True)

IDENTITY.add(
    [
        computed(
            "id", "The id of the identity, for `unlinkIdentity`.", _id, needs=("provider", "connection", "user_id")
        ),
        _field(
            "provider",
            "The strategy of the connection: google-oauth2, auth0, samlp, ...",
            search=(text("identities.provider", "identities.provider:google-oauth2", exact="identities.provider"),),
        ),
        _field(
            "connection",
            "The name of the connection that the account belongs to.",
            search=(
                text("identities.connection", "identities.connection:google-oauth2", exact="identities.connection"),
            ),
        ),
        _field(
            "user_id",
            "The id that the identity provider gave to the account. `User.userId` ends with the id of the primary"
            " identity.",
            search=(text("identities.user_id", "identities.user_id:1234567890", exact="identities.user_id"),),
        ),
        _field("is_social", "Whether the identity provider is a social network.", default=False),
        computed(
            "is_primary",
            "Whether this is the primary identity, which the root attributes of the profile come from.",
            _is_primary,
            takes=Takes.JOINED,
        ),
        computed(
            "profile_data",
            "The JSON object that the identity provider sent at the last login. It does not contain metadata, nor"
            " fields with names that suggest a secret, such as password, token or key. null: no login was recorded."
            " At most 64 KB are stored; a larger object is replaced by {too_large: true, bytes: 70000}.",
            _profile_data,
            needs=("profile_data",),
            in_raw=True,
            personal=True,
        ),
        _token(
            "access_token", "The access token that the identity provider issued for this user. null: none was reported."
        ),
        _token(
            "refresh_token",
            "The refresh token that the identity provider issued for this user. null: none was reported.",
        ),
    ]
)
