"""What an identity provider said about a user, in one shape; the names are OpenID Connect's where it has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.root_attributes import MAX_LENGTHS

MAX_ID = 512
# RFC 5321: 64 for the local part, 255 for the domain, and the @.
MAX_EMAIL = 320
MAX_USERNAME = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """None: not said. `user_id` is the provider's id of the account; `phone_number` is E.164.

    `assumed` names the claims that the provider did not state itself: a normalizer filled them from another attribute,
    or with a safe default.
    """

    user_id: str | None = None
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    nickname: str | None = None
    picture: str | None = None
    email: str | None = None
    email_verified: bool | None = None
    username: str | None = None
    phone_number: str | None = None
    phone_verified: bool | None = None
    assumed: frozenset[str] = frozenset()

    def states(self, name: str) -> bool:
        """Whether the provider stated this claim itself."""
        return getattr(self, name) is not None and name not in self.assumed


def unstated(**stated: Any) -> frozenset[str]:
    """The names of the claims whose own attribute says nothing: for `Claims.assumed`."""
    return frozenset(name for name, value in stated.items() if value is None)


def text(value: Any, limit: int = 300) -> str | None:
    """None for what is no text, or says nothing; what is longer is cut, since the raw profile keeps it whole."""
    if not isinstance(value, str):
        return None
    printable = "".join(each for each in value if ord(each) >= 32 and not 127 <= ord(each) < 160)
    return printable.strip()[:limit].strip() or None


def identifier(value: Any) -> str | None:
    """An id, exactly as sent; numbers become text, as every provider that sends them means the same by both."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    return value if isinstance(value, str) and value.strip() and len(value) <= MAX_ID else None


def boolean(value: Any) -> bool | None:
    """Some send the words."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def email(value: Any) -> str | None:
    """Lower case. None for what is no address."""
    found = text(value, MAX_EMAIL + 1)
    if found is None or len(found) > MAX_EMAIL or " " in found:
        return None
    local, at, domain = found.rpartition("@")
    return found.lower() if at and local and domain else None


def url(value: Any) -> str | None:
    """http and https: providers still send both."""
    found = text(value, MAX_LENGTHS["picture"] + 1)
    if found is None or len(found) > MAX_LENGTHS["picture"] or " " in found:
        return None
    return found if found.lower().startswith(("https://", "http://")) else None


def first(raw: Mapping[str, Any], *names: str) -> str | None:
    """The first of these fields that says something."""
    return next((found for name in names if (found := text(raw.get(name))) is not None), None)


def joined(*parts: str | None) -> str | None:
    return " ".join(each for each in parts if each) or None


def local_part(address: str | None) -> str | None:
    return address.rpartition("@")[0] if address else None


def with_defaults(claims: Claims) -> dict[str, Any]:
    """The five root attributes, with Auth0's defaults for name and nickname where the provider said nothing.

    Name: what else names the user. Nickname: the local part of the address. A picture has no default: the address of
    an image on another host would tell that host who uses the product. Pages draw initials instead.
    """
    nickname = claims.nickname or claims.username or local_part(claims.email) or claims.name
    named = joined(claims.given_name, claims.family_name)
    name = claims.name or named or claims.nickname or claims.email or claims.username or claims.phone_number
    return {
        "name": name,
        "given_name": claims.given_name,
        "family_name": claims.family_name,
        "nickname": nickname,
        "picture": claims.picture,
    }
