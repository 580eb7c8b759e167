"""The claims of an identity provider about a user, in one form, and functions that read them from a raw profile.

The names are those of OpenID Connect, except `user_id` (`sub`), `username` (`preferred_username`) and `phone_verified`
(`phone_number_verified`). The maximum lengths are here; each normalizer applies them when it reads a claim.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.root_attributes import MAX_LENGTHS

# Maximum lengths in characters.
MAX_ID = 512
# RFC 5321: 64 for the local part, 255 for the domain, and the @.
MAX_EMAIL = 320
MAX_USERNAME = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The claims about a user. A claim is None when it is neither in the raw profile nor set by the normalizer.

    `user_id` is the provider's id of the account, and `phone_number` has the format E.164. `assumed` contains the names
    of claims that the provider did not state: a normalizer took them from another attribute, or set a safe default.
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
    """Returns the names of the arguments that are None, for `Claims.assumed`."""
    return frozenset(name for name, value in stated.items() if value is None)


def text(value: Any, limit: int = 300) -> str | None:
    """Returns a text without control characters and surrounding spaces, cut to `limit` characters.

    Returns None for an empty text and for a value that is not a text.
    """
    # A raw profile of at most 64 KB is stored too, with the whole text.
    if not isinstance(value, str):
        return None
    printable = "".join(each for each in value if ord(each) >= 32 and not 127 <= ord(each) < 160)
    return printable.strip()[:limit].strip() or None


def identifier(value: Any) -> str | None:
    """Returns an id exactly as the provider sent it; an integer becomes a text. Returns None for any other value."""
    # Some providers send the same id as a number in one payload and as a text in another. A bool is an int in Python.
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    return value if isinstance(value, str) and value.strip() and len(value) <= MAX_ID else None


def boolean(value: Any) -> bool | None:
    """Returns a boolean. The texts "true" and "false" count too, because some providers send them."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def email(value: Any) -> str | None:
    """Returns an e-mail address in lower case, or None for a value that cannot be one."""
    # Only a rough check: a login must not lose an e-mail address because it is unusual.
    found = text(value, MAX_EMAIL + 1)
    if found is None or len(found) > MAX_EMAIL or " " in found:
        return None
    local, at, domain = found.rpartition("@")
    return found.lower() if at and local and domain else None


def url(value: Any) -> str | None:
    """Returns an http or https URL, or None for any other value."""
    found = text(value, MAX_LENGTHS["picture"] + 1)
    if found is None or len(found) > MAX_LENGTHS["picture"] or " " in found:
        return None
    return found if found.lower().startswith(("https://", "http://")) else None


def first(raw: Mapping[str, Any], *names: str) -> str | None:
    """Returns the first of these fields that is a text and not empty."""
    return next((found for name in names if (found := text(raw.get(name))) is not None), None)


def joined(*parts: str | None) -> str | None:
    return " ".join(each for each in parts if each) or None


def local_part(email_address: str | None) -> str | None:
    return email_address.rpartition("@")[0] if email_address else None


def with_defaults(claims: Claims) -> dict[str, Any]:
    """Returns the five root attributes, with Auth0's defaults for a missing name or nickname.

    The default of the name is another name or identifier of the user. The default of the nickname is the username, the
    local part of the e-mail address, or the name.
    """
    # A picture has no default: a URL on another host would tell that host who uses the product. Front ends can show
    # initials.
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
