"""Reads users of Twitter: version 1.1 of the API, or version 2 with the user in `data`."""

from collections.abc import Mapping
from typing import Any

from app.domain.claims import Claims, email, first, identifier, text, unstated, url


def normalize(raw: Mapping[str, Any]) -> Claims:
    data = raw.get("data")
    user = data if isinstance(data, Mapping) else raw
    name, handle = text(user.get("name")), first(user, "screen_name", "username")
    secure, picture = url(user.get("profile_image_url_https")), url(user.get("profile_image_url"))
    address = email(user.get("email")) or email(user.get("confirmed_email"))
    return Claims(
        # The numeric `id` of version 1.1 is too large for some JSON parsers, so `id_str` comes first.
        user_id=identifier(user.get("id_str")) or identifier(user.get("id")),
        name=name or handle,
        nickname=handle,
        picture=secure or picture,
        email=address,
        email_verified=False if address else None,
        assumed=unstated(name=name, picture=picture if user is data else secure, email_verified=None),
    )
