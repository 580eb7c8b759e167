"""Reads ID tokens of Microsoft Entra ID (formerly Azure AD) and Azure AD B2C. They often have no e-mail address."""

from collections.abc import Mapping
from typing import Any

from app.domain.claims import Claims, email, first, identifier, joined, text, unstated, url


def normalize(raw: Mapping[str, Any]) -> Claims:
    given, family = first(raw, "given_name", "givenName"), first(raw, "family_name", "surname")
    name = first(raw, "name", "displayName")
    stated = _address(raw)
    # Auth0 uses the user principal name when there is no e-mail address. It is not always an e-mail address.
    address = stated or _principal_name(raw)
    return Claims(
        # The object id is the same in every application of a tenant; `sub` differs between applications.
        user_id=identifier(raw.get("oid")) or identifier(raw.get("sub")) or identifier(raw.get("id")),
        name=name or joined(given, family),
        given_name=given,
        family_name=family,
        nickname=text(raw.get("nickname")),
        picture=url(raw.get("picture")),
        email=address,
        # An administrator of any Entra tenant can enter any e-mail address, so it is never taken as verified.
        email_verified=False if address else None,
        assumed=unstated(name=name, email=stated, email_verified=None),
    )


def _address(raw: Mapping[str, Any]) -> str | None:
    """Returns the e-mail address, or the first of the list that B2C sends."""
    emails = raw.get("emails")
    listed = emails[0] if isinstance(emails, list) and emails else None
    return email(raw.get("email")) or email(listed) or email(raw.get("mail"))


def _principal_name(raw: Mapping[str, Any]) -> str | None:
    return email(raw.get("upn")) or email(raw.get("preferred_username"))
