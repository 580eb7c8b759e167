"""Reads users of Facebook's Graph API."""

from collections.abc import Mapping
from typing import Any

from app.domain.claims import Claims, email, identifier, joined, text, unstated, url


def normalize(raw: Mapping[str, Any]) -> Claims:
    address = email(raw.get("email"))
    given, family = text(raw.get("first_name"), 150), text(raw.get("last_name"), 150)
    name = text(raw.get("name"))
    return Claims(
        user_id=identifier(raw.get("id")),
        name=name or joined(given, family),
        given_name=given,
        family_name=family,
        picture=_picture(raw.get("picture")),
        email=address,
        # Facebook's field `verified` describes the account, not the e-mail address.
        email_verified=False if address else None,
        assumed=unstated(name=name, email_verified=None),
    )


def _picture(value: Any) -> str | None:
    """Returns the URL of a picture: a text, or `data.url` of an object, depending on the version of the API."""
    if isinstance(value, Mapping):
        data = value.get("data")
        value = data.get("url") if isinstance(data, Mapping) else None
    return url(value)
