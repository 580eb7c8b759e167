"""Reads the standard claims of OpenID Connect (Core 1.0, section 5.1).

For the strategies oidc and okta, and for every strategy that is not in the registry.
"""

from collections.abc import Mapping
from typing import Any

from app.domain.claims import MAX_USERNAME, Claims, boolean, email, first, identifier, joined, text, unstated, url


def normalize(raw: Mapping[str, Any]) -> Claims:
    """Accepts `id` or `user_id` instead of `sub`, because some providers send them."""
    address = email(raw.get("email"))
    given, family = text(raw.get("given_name"), 150), text(raw.get("family_name"), 150)
    name, nickname = text(raw.get("name")), text(raw.get("nickname"))
    verified = boolean(raw.get("email_verified"))
    return Claims(
        user_id=next((each for name in ("sub", "id", "user_id") if (each := identifier(raw.get(name)))), None),
        name=name or joined(given, family),
        given_name=given,
        family_name=family,
        nickname=nickname or first(raw, "preferred_username"),
        picture=url(raw.get("picture")),
        email=address,
        # A provider that does not send the claim may not have verified the e-mail address.
        email_verified=(verified or False) if address else None,
        username=text(raw.get("preferred_username"), MAX_USERNAME),
        phone_number=text(raw.get("phone_number"), 16),
        phone_verified=boolean(raw.get("phone_number_verified")),
        assumed=unstated(name=name, nickname=nickname, email_verified=verified),
    )
