"""GitHub's GET /user, perhaps with the answer of GET /user/emails as `emails`. Most of it may be null."""

from collections.abc import Mapping
from typing import Any

from app.domain.claims import Claims, email, identifier, text, url


def normalize(raw: Mapping[str, Any]) -> Claims:
    login = text(raw.get("login"))
    address, verified = _address(raw.get("emails"), email(raw.get("email")))
    return Claims(
        user_id=identifier(raw.get("id")),
        name=text(raw.get("name")) or login,
        nickname=login,
        picture=url(raw.get("avatar_url")),
        email=address,
        email_verified=verified,
    )


def _address(listed: Any, public: str | None) -> tuple[str | None, bool | None]:
    """The public address, else the primary one; verified where the list says so of it."""
    known = [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
    primary = next((email(each.get("email")) for each in known if each.get("primary") is True), None)
    address = public or primary
    if address is None:
        return None, None
    return address, any(email(each.get("email")) == address and each.get("verified") is True for each in known)
