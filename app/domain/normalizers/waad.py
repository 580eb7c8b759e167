"""Microsoft Entra ID (Azure AD, B2C): an ID token, often without an address, whose word for it is not taken."""

from collections.abc import Mapping
from typing import Any

from app.domain.claims import Claims, email, first, identifier, joined, text, url


def normalize(raw: Mapping[str, Any]) -> Claims:
    """The object id is the same in every application of a tenant, `sub` is not."""
    given, family = first(raw, "given_name", "givenName"), first(raw, "family_name", "surname")
    address = _address(raw)
    return Claims(
        user_id=identifier(raw.get("oid")) or identifier(raw.get("sub")) or identifier(raw.get("id")),
        name=first(raw, "name", "displayName") or joined(given, family),
        given_name=given,
        family_name=family,
        nickname=text(raw.get("nickname")),
        picture=url(raw.get("picture")),
        email=address,
        email_verified=False if address else None,
    )


def _address(raw: Mapping[str, Any]) -> str | None:
    """B2C sends a list; the user principal name stands in, as Auth0 has it."""
    emails = raw.get("emails")
    listed = emails[0] if isinstance(emails, list) and emails else None
    found = (raw.get("email"), listed, raw.get("mail"), raw.get("upn"), raw.get("preferred_username"))
    return next((address for each in found if (address := email(each))), None)
