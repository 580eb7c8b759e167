"""Twitter: version 1.1, whose `id` is too large for many a parser and comes as `id_str` too; version 2 in `data`."""

from collections.abc import Mapping
from typing import Any

from app.domain.claims import Claims, email, first, identifier, text, url


def normalize(raw: Mapping[str, Any]) -> Claims:
    data = raw.get("data")
    user = data if isinstance(data, Mapping) else raw
    handle = first(user, "screen_name", "username")
    address = email(user.get("email")) or email(user.get("confirmed_email"))
    return Claims(
        user_id=identifier(user.get("id_str")) or identifier(user.get("id")),
        name=text(user.get("name")) or handle,
        nickname=handle,
        picture=url(user.get("profile_image_url_https")) or url(user.get("profile_image_url")),
        email=address,
        email_verified=False if address else None,
    )
