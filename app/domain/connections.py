"""Connections with which users log in: their kinds and settings, and whether root attributes can be edited."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key
from app.domain.refusals import Refusal, RefusalCode


class AuthConnectionKind(StrEnum):
    """Where the accounts of a connection are stored."""

    DATABASE = "DATABASE"
    CUSTOM_DATABASE = "CUSTOM_DATABASE"
    PASSWORDLESS = "PASSWORDLESS"
    SOCIAL = "SOCIAL"
    ENTERPRISE = "ENTERPRISE"


class SyncRootAttributes(StrEnum):
    """When a login copies root attributes from the identity provider."""

    ON_EACH_LOGIN = "ON_EACH_LOGIN"
    ON_FIRST_LOGIN = "ON_FIRST_LOGIN"
    NEVER = "NEVER"


_KINDS = {
    "auth0": AuthConnectionKind.DATABASE,
    "custom": AuthConnectionKind.CUSTOM_DATABASE,
    "email": AuthConnectionKind.PASSWORDLESS,
    "sms": AuthConnectionKind.PASSWORDLESS,
}
# Auth0's enterprise strategies. The user id of such an account contains its connection.
_ENTERPRISE = frozenset(
    [
        "ad",
        "adfs",
        "auth0-adldap",
        "google-apps",
        "ip",
        "office365",
        "oidc",
        "okta",
        "pingfederate",
        "samlp",
        "sharepoint",
        "waad",
    ]
)


def kind_of(strategy: str) -> AuthConnectionKind:
    """Returns the kind of a strategy. The names of strategies are those of Auth0."""
    # New social providers appear often, and they all work alike. So an unknown strategy is a social provider.
    if strategy in _KINDS:
        return _KINDS[strategy]
    return AuthConnectionKind.ENTERPRISE if strategy in _ENTERPRISE else AuthConnectionKind.SOCIAL


@dataclass(frozen=True, slots=True)
class AuthConnection:
    """A stored connection. `id` is the `_id` of its document. `version` is 1 at creation and grows with each change.

    `import_mode` is for CUSTOM_DATABASE: whether this service stores the accounts and their passwords, as for DATABASE.
    """

    tenant: str
    name: str
    strategy: str
    import_mode: bool = False
    sync_root_attributes: SyncRootAttributes = SyncRootAttributes.ON_EACH_LOGIN
    allows_sign_up: bool = False
    version: int = 1
    id: Key | None = None

    @property
    def kind(self) -> AuthConnectionKind:
        return kind_of(self.strategy)


CONNECTION_GONE = Refusal(
    RefusalCode.CONNECTION_FORBIDS,
    "The sign-in method of this profile no longer exists.",
    "Create the connection of the profile's primary identity again.",
)


def owned_by_provider(connection: AuthConnection, what: str) -> Refusal:
    """Returns the refusal of a change that must be made at the provider. `what` describes what the provider does."""
    owner = "database" if connection.kind is AuthConnectionKind.CUSTOM_DATABASE else "sign-in provider"
    reason = f"The {owner} {connection.name} {what}. Change it there."
    return Refusal(RefusalCode.PROVIDER_OWNS_IT, reason, f"The account belongs to connection {connection.name}.")


def unknown_connection() -> Refused:
    """Returns the error for an input with a connection that does not exist."""
    return Refused(ErrorCode.NOT_FOUND, "There is no such connection.", ("connection",))


# Auth0 has the same rule. It also excludes the characters `|` and `:`, which separate the parts of user ids and keys.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,127}", re.ASCII)


def check_connection_name(field: str, value: str) -> None:
    """Raises Refused with INVALID_INPUT for an invalid name or strategy. `field` is the field of the input."""
    if not _NAME.fullmatch(value):
        message = f"{field} must have 1 to 128 letters, digits and hyphens, and must not begin with a hyphen."
        raise Refused(ErrorCode.INVALID_INPUT, message, (field,))


def new_connection(id: Key, tenant: str, name: str, given: Mapping[str, Any]) -> AuthConnection:
    """Returns a connection with the settings in `given`, and defaults for the others.

    Raises Refused with INVALID_INPUT when the strategy is missing or invalid.
    """
    if "strategy" not in given:
        message = "There is no connection with this name. To create one, send a strategy too."
        raise Refused(ErrorCode.INVALID_INPUT, message, ("strategy",))
    check_connection_name("strategy", given["strategy"])
    return AuthConnection(tenant, name, **given, id=id)


def changed_connection(before: AuthConnection, given: Mapping[str, Any]) -> AuthConnection:
    """Returns the connection with the settings in `given`. If one differs, the version is increased by 1.

    Raises Refused with INVALID_INPUT when `given` has another strategy.
    """
    if given.get("strategy", before.strategy) != before.strategy:
        message = (
            f"The strategy of this connection is {before.strategy}. It cannot change, because the ids of the users"
            " contain it."
        )
        raise Refused(ErrorCode.INVALID_INPUT, message, ("strategy",))
    after = replace(before, **given)
    # An equal connection keeps its version, so a repeated request changes nothing and causes no conflict.
    return before if after == before else replace(after, version=before.version + 1)


def why_not_editable(connection: AuthConnection | None) -> Refusal | None:
    """Returns None when the root attributes of the connection's users can be edited in this service."""
    if connection is None:
        return CONNECTION_GONE
    if connection.kind in (AuthConnectionKind.DATABASE, AuthConnectionKind.PASSWORDLESS):
        return None
    if connection.kind is AuthConnectionKind.CUSTOM_DATABASE and connection.import_mode:
        return None
    if connection.sync_root_attributes is not SyncRootAttributes.ON_EACH_LOGIN:
        return None
    # The next login would overwrite an edited value, so the edit is refused.
    alternative = " or its importMode is true" if connection.kind is AuthConnectionKind.CUSTOM_DATABASE else ""
    advice = (
        f"To edit it with this API, set the connection's syncRootAttributes to ON_FIRST_LOGIN or NEVER{alternative}."
    )
    return replace(owned_by_provider(connection, "sets this value at each sign-in"), advice=advice)
