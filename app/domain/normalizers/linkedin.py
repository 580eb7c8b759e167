"""Reads users of LinkedIn: OpenID Connect, version 2 of the API with names in several languages, or version 1."""

from collections.abc import Mapping
from typing import Any

from app.domain.claims import Claims, boolean, email, identifier, joined, text, unstated, url


def normalize(raw: Mapping[str, Any]) -> Claims:
    given = text(raw.get("given_name"), 150) or _localized(raw.get("firstName"))
    family = text(raw.get("family_name"), 150) or _localized(raw.get("lastName"))
    name, verified = text(raw.get("name")), boolean(raw.get("email_verified"))
    address = email(raw.get("email")) or email(raw.get("emailAddress"))
    return Claims(
        user_id=identifier(raw.get("sub")) or identifier(raw.get("id")),
        name=name or joined(given, family),
        given_name=given,
        family_name=family,
        picture=url(raw.get("picture")) or url(raw.get("pictureUrl")),
        email=address,
        email_verified=(verified or False) if address else None,
        assumed=unstated(name=name, email_verified=verified),
    )


def _localized(value: Any) -> str | None:
    """Returns a name in the language that the user prefers, else in the first language of the list."""
    if not isinstance(value, Mapping):
        return text(value, 150)
    names, locale = value.get("localized"), value.get("preferredLocale")
    if not isinstance(names, Mapping):
        return None
    preferred = f"{locale.get('language')}_{locale.get('country')}" if isinstance(locale, Mapping) else ""
    return text(names.get(preferred), 150) or next((text(each, 150) for each in names.values()), None)
