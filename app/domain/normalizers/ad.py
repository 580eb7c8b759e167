"""Reads entries of Active Directory and LDAP directories (ad, auth0-adldap)."""

from collections.abc import Mapping
from typing import Any

from app.domain.claims import Claims, email, first, identifier, joined, text, unstated


def normalize(raw: Mapping[str, Any]) -> Claims:
    given, family = text(raw.get("givenName"), 150), text(raw.get("sn"), 150)
    address = email(raw.get("mail"))
    name, nickname = first(raw, "displayName"), first(raw, "sAMAccountName")
    return Claims(
        user_id=next((each for name in ("objectGUID", "uid", "cn") if (each := identifier(raw.get(name)))), None),
        name=name or joined(given, family) or first(raw, "cn"),
        given_name=given,
        family_name=family,
        nickname=nickname or first(raw, "cn", "commonName"),
        email=address,
        # A directory does not state whether the e-mail address is verified.
        email_verified=False if address else None,
        assumed=unstated(name=name, nickname=nickname, email_verified=None),
    )
