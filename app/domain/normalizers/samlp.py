"""Reads attributes of SAML 2.0 and WS-Federation (samlp, adfs).

The names of the attributes are URIs, LDAP names or object identifiers.
"""

from collections.abc import Mapping
from typing import Any

from app.domain.claims import Claims, email, identifier, joined, local_part, text, unstated

_CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_LDAP = "urn:oid:2.5.4."
_ID = (f"{_CLAIMS}nameidentifier", "nameidentifier", "nameID", f"{_CLAIMS}upn", "upn", f"{_CLAIMS}name")
_EMAIL = (f"{_CLAIMS}emailaddress", "email", "mail", "urn:oid:0.9.2342.19200300.100.1.3")
_GIVEN = (f"{_CLAIMS}givenname", "given_name", "givenName", f"{_LDAP}42")
_FAMILY = (f"{_CLAIMS}surname", "family_name", "sn", f"{_LDAP}4")
_NAME = (f"{_CLAIMS}name", "name", "displayName", "cn", f"{_LDAP}3")


def normalize(raw: Mapping[str, Any]) -> Claims:
    """Reads a value from a list of one value too."""
    # Auth0 replaces each dot in a name by a colon. Names are compared in this form, so that both are found.
    found = {name.replace(".", ":"): _single(value) for name, value in raw.items()}
    address = next((each for name in _EMAIL if (each := email(_of(found, name)))), None)
    given = next((each for name in _GIVEN if (each := text(_of(found, name), 150))), None)
    family = next((each for name in _FAMILY if (each := text(_of(found, name), 150))), None)
    name = next((each for name in _NAME if (each := text(_of(found, name)))), None)
    return Claims(
        user_id=next((each for name in _ID if (each := identifier(_of(found, name)))), None),
        name=name or joined(given, family),
        given_name=given,
        family_name=family,
        nickname=local_part(address),
        email=address,
        # SAML has no standard attribute for a verified e-mail address.
        email_verified=False if address else None,
        assumed=unstated(name=name, nickname=None, email_verified=None),
    )


def _of(found: Mapping[str, Any], name: str) -> Any:
    return found.get(name.replace(".", ":"))


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value
