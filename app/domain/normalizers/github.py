"""GitHub's GET /user, perhaps with the answer of GET /user/emails as `emails`. Most of it may be null."""

from collections.abc import Mapping
from typing import Any

from app.domain.claims import Claims, email, identifier, text, unstated, url


def normalize(raw: Mapping[str, Any]) -> Claims:
    name, login = text(raw.get("name")), text(raw.get("login"))
    address, verified = _address(raw.get("emails"), email(raw.get("email")))
    return Claims(
        user_id=identifier(raw.get("id")),
        name=name or login,
        nickname=login,
        picture=url(raw.get("avatar_url")),
        email=address,
        email_verified=(verified or False) if address else None,
        assumed=unstated(name=name, email_verified=verified),
    )


def _address(listed: Any, public: str | None) -> tuple[str | None, bool | None]:
    """The public address, else the primary one, and what the list says of its verification."""
    known = [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
    primary = next((email(each.get("email")) for each in known if each.get("primary") is True), None)
    address = public or primary
    if address is None:
        return None, None
    said = [each.get("verified") for each in known if email(each.get("email")) == address]
    return address, any(each is True for each in said) if said else None
