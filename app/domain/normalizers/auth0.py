"""Reads users of a database connection (auth0, custom). The names of the fields are those of Auth0's user profiles."""

from collections.abc import Mapping
from typing import Any

from app.domain.claims import MAX_USERNAME, Claims, boolean, email, identifier, text, url


def normalize(raw: Mapping[str, Any]) -> Claims:
    """Removes the prefix `auth0|` of an id."""
    address = email(raw.get("email"))
    user_id = identifier(raw.get("user_id")) or identifier(raw.get("id")) or identifier(raw.get("_id"))
    return Claims(
        user_id=user_id.removeprefix("auth0|") if user_id else None,
        name=text(raw.get("name")),
        given_name=text(raw.get("given_name"), 150),
        family_name=text(raw.get("family_name"), 150),
        nickname=text(raw.get("nickname")),
        picture=url(raw.get("picture")),
        email=address,
        email_verified=boolean(raw.get("email_verified")) if address else None,
        username=text(raw.get("username"), MAX_USERNAME),
        phone_number=text(raw.get("phone_number"), 16),
        phone_verified=boolean(raw.get("phone_verified")),
    )
