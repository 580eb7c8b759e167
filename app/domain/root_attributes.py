"""The five root attributes: their limits, and how an edit changes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from app.domain.errors import ErrorCode, Refused
from app.domain.metadata import is_well_formed
from app.domain.refusals import RefusalCode
from app.domain.rows import to_camel
from app.domain.users import AttributeSource, Provenance, User

# Maximum lengths in characters, as in Auth0's API. Many browsers and proxies do not accept a longer URL of a picture.
MAX_LENGTHS = {"name": 300, "given_name": 150, "family_name": 150, "nickname": 300, "picture": 2048}
ROOT_ATTRIBUTES = tuple(MAX_LENGTHS)


class RootAttributeName(StrEnum):
    NAME = "name"
    GIVEN_NAME = "given_name"
    FAMILY_NAME = "family_name"
    NICKNAME = "nickname"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class RootAttribute:
    """A root attribute with its source, and whether it can be edited. `code` and `reason` tell why not."""

    name: RootAttributeName
    value: str | None
    source: AttributeSource
    connection: str | None
    updated_at: datetime | None
    editable: bool
    code: RefusalCode | None
    reason: str | None


def check_root_attribute(name: str, value: str | None) -> None:
    """Raises Refused with INVALID_INPUT when the value is empty, too long, or contains control characters.

    A picture must also be an https URL. None is valid: it removes the value.
    """
    if value is None:
        return
    limit = MAX_LENGTHS[name]
    if not 1 <= len(value) <= limit:
        raise _invalid(name, f"must have 1 to {limit} characters; send null to remove the value")
    if not is_well_formed(value) or any(ord(each) < 32 or 127 <= ord(each) < 160 for each in value):
        raise _invalid(name, "must not contain control characters or lone surrogates")
    if name == "picture" and not _is_https_url(value):
        raise _invalid(name, "must be an https URL")


def apply_root_attributes(
    user: User, values: Mapping[str, str | None], source: AttributeSource, at: datetime
) -> dict[str, object]:
    """Returns the top-level fields to write: the values that differ from the present ones, and their provenance."""
    # An unchanged value keeps its provenance: repeating the provider's value in an edit does not make it the user's.
    changed = {name: value for name, value in values.items() if value != getattr(user, name)}
    if not changed:
        return {}
    provenance = dict(user.provenance) | {name: Provenance(source, at) for name in changed}
    return {**changed, "provenance": provenance}


def _is_https_url(text: str) -> bool:
    # Pages show the picture. Another scheme, such as javascript:, could run code there.
    try:
        url = urlsplit(text)
        return url.scheme == "https" and bool(url.hostname) and text.isascii() and " " not in text and url.port != 0
    except ValueError:
        return False


def _invalid(name: str, what: str) -> Refused:
    camel = to_camel(name)
    return Refused(ErrorCode.INVALID_INPUT, f"{camel} {what}.", (camel,))
