"""Reads Microsoft accounts: the old Live Connect API with an object of e-mail addresses, or Microsoft Graph."""

from collections.abc import Mapping
from typing import Any

from app.domain.claims import Claims, email, first, identifier, joined, unstated, url


def normalize(raw: Mapping[str, Any]) -> Claims:
    given, family = first(raw, "first_name", "givenName"), first(raw, "last_name", "surname")
    name = first(raw, "name", "displayName")
    stated = _address(raw)
    # A userPrincipalName may look like an e-mail address without being one. It is only used when there is no other.
    address = stated or email(raw.get("userPrincipalName"))
    return Claims(
        user_id=identifier(raw.get("id")),
        name=name or joined(given, family),
        given_name=given,
        family_name=family,
        picture=url(raw.get("picture")),
        email=address,
        email_verified=False if address else None,
        assumed=unstated(name=name, email=stated, email_verified=None),
    )


def _address(raw: Mapping[str, Any]) -> str | None:
    emails = raw.get("emails")
    known = emails if isinstance(emails, Mapping) else {}
    found = (known.get("preferred"), known.get("account"), raw.get("mail"))
    return next((address for each in found if (address := email(each))), None)
