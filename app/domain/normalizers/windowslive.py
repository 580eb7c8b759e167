"""Microsoft accounts: the old Live Connect API, with an object of addresses, or Microsoft Graph."""

from collections.abc import Mapping
from typing import Any

from app.domain.claims import Claims, email, first, identifier, joined, url


def normalize(raw: Mapping[str, Any]) -> Claims:
    given, family = first(raw, "first_name", "givenName"), first(raw, "last_name", "surname")
    address = _address(raw)
    return Claims(
        user_id=identifier(raw.get("id")),
        name=first(raw, "name", "displayName") or joined(given, family),
        given_name=given,
        family_name=family,
        picture=url(raw.get("picture")),
        email=address,
        email_verified=False if address else None,
    )


def _address(raw: Mapping[str, Any]) -> str | None:
    """A userPrincipalName may look like an address and be none: it comes last."""
    emails = raw.get("emails")
    known = emails if isinstance(emails, Mapping) else {}
    found = (known.get("preferred"), known.get("account"), raw.get("mail"), raw.get("userPrincipalName"))
    return next((address for each in found if (address := email(each))), None)
