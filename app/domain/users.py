"""The complete profile as a dataclass, for writes. Queries read single fields with the attribute tables instead."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.domain.ids import Key
from app.domain.search_terms import SEARCH_VERSION


class AttributeSource(StrEnum):
    """The source of a root attribute's value."""

    IDP = "IDP"
    USER = "USER"
    ADMIN = "ADMIN"
    IMPORT = "IMPORT"
    RULE = "RULE"
    DEFAULT = "DEFAULT"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who set a root attribute, and when. `connection` is None unless the source is IDP."""

    source: AttributeSource
    at: datetime
    connection: str | None = None


# The fields of an identity that are stored encrypted.
PROVIDER_TOKENS = ("access_token", "refresh_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An account with an identity provider. `profile_data` is a JSON text.

    For a linked account, `origin` and `origin_user_id` are the `_id` and the `user_id` of its hidden profile. `keys`
    are the keys of its e-mail address, username and phone number: no other user may use them.
    """

    # `profile_data` is a text, not an object: keys of payloads can contain dots and $, which MongoDB does not handle
    # well.

    provider: str
    connection: str
    user_id: str
    is_social: bool = False
    profile_data: str | None = None
    access_token: str | None = None
    refresh_token: str | None = None
    origin: Key | None = None
    origin_user_id: str | None = None
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user of a tenant. The field names are those of the stored document; `id` is its `_id`.

    The first identity is the primary one. `role_ids` contains the `_id`s of roles, and `permissions` the permissions
    that were granted directly. `linked_to` is the `_id` of the profile to which this one is linked; then no list or
    lookup finds this profile. `primary_access` contains the app_metadata, roles and permissions that the other profile
    had before the link, without those fields that it took over from this profile; see `identities.unlink`.
    `search_version` is the version of the stored fields for search. 0 means that the profile does not have them yet.
    """

    id: Key
    tenant: str
    user_id: str
    version: int = 1
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    nickname: str | None = None
    picture: str | None = None
    provenance: Mapping[str, Provenance] = field(default_factory=dict)
    email: str | None = None
    email_verified: bool | None = None
    pending_email: str | None = None
    username: str | None = None
    phone_number: str | None = None
    phone_verified: bool | None = None
    user_metadata: Mapping[str, Any] = field(default_factory=dict)
    app_metadata: Mapping[str, Any] = field(default_factory=dict)
    identities: tuple[Identity, ...] = ()
    role_ids: tuple[Key, ...] = ()
    permissions: tuple[Mapping[str, str], ...] = ()
    blocked: bool = False
    must_change_password: bool = False
    created_at: datetime
    updated_at: datetime
    last_login: datetime | None = None
    last_ip: str | None = None
    logins_count: int = 0
    last_password_reset: datetime | None = None
    linked_to: Key | None = None
    primary_access: Mapping[str, Any] | None = None
    search_version: int = field(default=SEARCH_VERSION, compare=False)

    def profile_ids(self) -> list[Key]:
        """Returns the `_id`s of this profile and of the profiles that are linked to it."""
        return [self.id, *(each.origin for each in self.identities if each.origin is not None)]


# A change of only these fields does not increase the version: they belong to the password, not to the profile.
FIELDS_WITHOUT_VERSION = frozenset({"last_password_reset", "must_change_password"})
