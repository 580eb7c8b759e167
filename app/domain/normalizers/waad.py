"""Microsoft Entra ID (Azure AD, B2C): an ID token, often without an address, whose word for it is not taken."""

from collections.abc import Mapping
from typing import Any

from app.domain.claims import Claims, email, first, identifier, joined, text, unstated, url


def normalize(raw: Mapping[str, Any]) -> Claims:
    """The object id is the same in every application of a tenant, `sub` is not."""
    given, family = first(raw, "given_name", "givenName"), first(raw, "family_name", "surname")
    name = first(raw, "name", "displayName")
    stated, stand_in = _address(raw), _principal_name(raw)
    address = stated or stand_in
    return Claims(
        user_id=identifier(raw.get("oid")) or identifier(raw.get("sub")) or identifier(raw.get("id")),
        name=name or joined(given, family),
        given_name=given,
        family_name=family,
        nickname=text(raw.get("nickname")),
        picture=url(raw.get("picture")),
        email=address,
        email_verified=False if address else None,
        assumed=unstated(name=name, email=stated, email_verified=None),
    )


def _address(raw: Mapping[str, Any]) -> str | None:
    """B2C sends a list."""
    emails = raw.get("emails")
    listed = emails[0] if isinstance(emails, list) and emails else None
    return email(raw.get("email")) or email(listed) or email(raw.get("mail"))


def _principal_name(raw: Mapping[str, Any]) -> str | None:
    """The user principal name stands in for a missing address, as Auth0 has it."""
    return email(raw.get("upn")) or email(raw.get("preferred_username"))
