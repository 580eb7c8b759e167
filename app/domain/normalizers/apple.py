"""Reads ID tokens of Sign in with Apple. Their booleans can be texts.

Apple sends the name outside of the ID token, and only at the first login.
"""

from collections.abc import Mapping
from typing import Any

from app.domain.claims import Claims, boolean, email, identifier, joined, text, unstated


def normalize(raw: Mapping[str, Any]) -> Claims:
    name = _name(raw)
    full, verified = text(raw.get("name")), boolean(raw.get("email_verified"))
    given = text(name.get("firstName") or raw.get("first_name") or raw.get("given_name"), 150)
    family = text(name.get("lastName") or raw.get("last_name") or raw.get("family_name"), 150)
    address = email(raw.get("email"))
    return Claims(
        user_id=identifier(raw.get("sub")),
        name=full or joined(given, family),
        given_name=given,
        family_name=family,
        email=address,
        email_verified=(verified or False) if address else None,
        assumed=unstated(name=full, email_verified=verified),
    )


def _name(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the object `name`, or `user.name`, as Apple's form post has it."""
    user = raw.get("user")
    for found in (raw.get("name"), user.get("name") if isinstance(user, Mapping) else None):
        if isinstance(found, Mapping):
            return found
    return {}
