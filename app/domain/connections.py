"""Connections by which users log in: the strategy, and who may change identifiers and root attributes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key
from app.domain.refusals import Refusal, RefusalCode


class AuthConnectionKind(StrEnum):
    """Who keeps the account."""

    DATABASE = "DATABASE"
    CUSTOM_DATABASE = "CUSTOM_DATABASE"
    PASSWORDLESS = "PASSWORDLESS"
    SOCIAL = "SOCIAL"
    ENTERPRISE = "ENTERPRISE"


class SyncRootAttributes(StrEnum):
    """When a login takes root attributes over from the identity provider."""

    ON_EACH_LOGIN = "ON_EACH_LOGIN"
    ON_FIRST_LOGIN = "ON_FIRST_LOGIN"
    NEVER = "NEVER"


_KINDS = {
    "auth0": AuthConnectionKind.DATABASE,
    "custom": AuthConnectionKind.CUSTOM_DATABASE,
    "email": AuthConnectionKind.PASSWORDLESS,
    "sms": AuthConnectionKind.PASSWORDLESS,
}
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
    """Auth0's strategy names; one that is neither ours nor an enterprise's is a social provider's."""
    if strategy in _KINDS:
        return _KINDS[strategy]
    return AuthConnectionKind.ENTERPRISE if strategy in _ENTERPRISE else AuthConnectionKind.SOCIAL


@dataclass(frozen=True, slots=True)
class AuthConnection:
    """As stored: `import_mode` says, for CUSTOM_DATABASE, whether users are copied in.

    `version` is 1 at creation and one more after each change. `id` is the document's `_id`.
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
    "The sign-in method of this profile does not exist any more.",
    "Create the connection of the profile's primary identity again.",
)


def owned_by_provider(connection: AuthConnection, what: str) -> Refusal:
    """The refusal of a change that only the owner of the account can make; `what` says what the owner does."""
    owner = "database" if connection.kind is AuthConnectionKind.CUSTOM_DATABASE else "sign-in provider"
    reason = f"The {owner} {connection.name} {what}. Change it there."
    return Refusal(RefusalCode.PROVIDER_OWNS_IT, reason, f"The account belongs to connection {connection.name}.")


def unknown_connection() -> Refused:
    """The refusal of an input that names a connection which does not exist."""
    return Refused(ErrorCode.NOT_FOUND, "There is no such connection.", ("connection",))


# Auth0's rule, so that no name holds a separator of keys and user ids.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,127}", re.ASCII)


def check_connection_name(field: str, value: str) -> None:
    """Refused with INVALID_INPUT. `field` is the input's field: a strategy is written like a name."""
    if not _NAME.fullmatch(value):
        message = f"{field} takes 1 to 128 letters, digits and hyphens. The first is not a hyphen."
        raise Refused(ErrorCode.INVALID_INPUT, message, (field,))


def new_connection(id: Key, tenant: str, name: str, given: Mapping[str, Any]) -> AuthConnection:
    """A connection with the settings in `given`, and defaults for the others. Refused with INVALID_INPUT."""
    if "strategy" not in given:
        message = "There is no connection of this name. A new connection needs a strategy."
        raise Refused(ErrorCode.INVALID_INPUT, message, ("strategy",))
    check_connection_name("strategy", given["strategy"])
    return AuthConnection(tenant, name, **given, id=id)


def changed_connection(before: AuthConnection, given: Mapping[str, Any]) -> AuthConnection:
    """`before` with the settings in `given`; the others stay. Refused with INVALID_INPUT for another strategy.

    The version is one more if a setting differs.
    """
    if given.get("strategy", before.strategy) != before.strategy:
        message = f"The strategy of this connection is {before.strategy}. The ids of its users contain it, so it stays."
        raise Refused(ErrorCode.INVALID_INPUT, message, ("strategy",))
    after = replace(before, **given)
    return before if after == before else replace(after, version=before.version + 1)


def why_not_editable(connection: AuthConnection | None) -> Refusal | None:
    """Returns None when root attributes of the connection's users can be edited."""
    if connection is None:
        return CONNECTION_GONE
    if connection.kind in (AuthConnectionKind.DATABASE, AuthConnectionKind.PASSWORDLESS):
        return None
    if connection.kind is AuthConnectionKind.CUSTOM_DATABASE and connection.import_mode:
        return None
    if connection.sync_root_attributes is not SyncRootAttributes.ON_EACH_LOGIN:
        return None
    way_out = " or its importMode is on" if connection.kind is AuthConnectionKind.CUSTOM_DATABASE else ""
    advice = f"It can be edited here when the connection's syncRootAttributes is ON_FIRST_LOGIN or NEVER{way_out}."
    return replace(owned_by_provider(connection, "sets this value at each sign-in"), advice=advice)
