"""The whole profile as a dataclass, for writing. Queries read records through the attribute tables instead."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.domain.ids import Key


class AttributeSource(StrEnum):
    """Who set a root attribute."""

    IDP = "IDP"
    USER = "USER"
    ADMIN = "ADMIN"
    IMPORT = "IMPORT"
    RULE = "RULE"
    DEFAULT = "DEFAULT"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a root attribute's value came from; `connection` only where the source is IDP."""

    source: AttributeSource
    at: datetime
    connection: str | None = None


# The fields of an identity that are stored encrypted.
PROVIDER_TOKENS = ("access_token", "refresh_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An account with an identity provider. `profile_data` is JSON text, since payloads have dots and $ in keys.

    `origin` and `origin_user_id` are the `_id` and `user_id` of the profile that was linked, and waits; `keys` those of
    its address, name and number, which stay taken.
    """

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
    """One account of a tenant. Field names are the stored ones; `id` is the document's `_id`.

    `linked_to` is the `_id` of the profile that this one is linked to: until it is unlinked nobody sees it.
    `primary_access` is what that profile held at the link of what it did not take over from this one: each field by
    its name. It is None when everything was taken over.
    `roles` holds the `_id`s of roles, `permissions` those granted directly. The first identity is the primary one.
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

    def own(self) -> list[Key]:
        """The `_id`s of the profile and of those linked to it."""
        return [self.id, *(each.origin for each in self.identities if each.origin is not None)]


# Fields that are written without a new version: of the credential, not of the profile.
UNCOUNTED = frozenset({"last_password_reset", "must_change_password"})
