"""Reads users of GitHub: the answer of GET /user. Most fields can be null.

If the login service adds the answer of GET /user/emails as `emails`, the e-mail addresses are read from it too.
"""

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
    """Returns the public or else the primary e-mail address, and whether it is verified; None if the list lacks it."""
    known = [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
    primary = next((email(each.get("email")) for each in known if each.get("primary") is True), None)
    address = public or primary
    if address is None:
        return None, None
    verified = [each.get("verified") for each in known if email(each.get("email")) == address]
    return address, any(each is True for each in verified) if verified else None
