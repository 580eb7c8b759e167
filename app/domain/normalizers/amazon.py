"""Reads profiles of Login with Amazon: flat in snake_case, or in the object `Profile` with names in PascalCase."""

from collections.abc import Mapping
from typing import Any

from app.domain.claims import Claims, email, identifier, text, unstated


def normalize(raw: Mapping[str, Any]) -> Claims:
    profile = raw.get("Profile")
    user = profile if isinstance(profile, Mapping) else raw
    address = email(user.get("PrimaryEmail")) or email(user.get("email"))
    return Claims(
        user_id=identifier(user.get("CustomerId")) or identifier(user.get("user_id")),
        name=text(user.get("Name")) or text(user.get("name")),
        email=address,
        # Amazon does not state whether the e-mail address is verified.
        email_verified=False if address else None,
        assumed=unstated(email_verified=None),
    )
