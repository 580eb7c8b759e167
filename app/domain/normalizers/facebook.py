"""Facebook's Graph API. `verified` is about the account, not about the address."""

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
        email_verified=False if address else None,
        assumed=unstated(name=name, email_verified=None),
    )


def _picture(value: Any) -> str | None:
    """An address, or an object that holds one, by version of the API."""
    if isinstance(value, Mapping):
        data = value.get("data")
        value = data.get("url") if isinstance(data, Mapping) else None
    return url(value)
