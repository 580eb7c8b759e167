"""Connections: how users of one identity provider come in, and what follows for their root attributes."""

from dataclasses import dataclass
from enum import StrEnum


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
    """As stored: `import_mode` says, for CUSTOM_DATABASE, whether users are copied in."""

    tenant: str
    name: str
    strategy: str
    import_mode: bool = False
    sync_root_attributes: SyncRootAttributes = SyncRootAttributes.ON_EACH_LOGIN
    allows_sign_up: bool = False

    @property
    def kind(self) -> AuthConnectionKind:
        return kind_of(self.strategy)


def why_not_editable(connection: AuthConnection | None) -> str | None:
    """None where root attributes of the connection's users can be edited; else the setting in the way, for a person."""
    if connection is None:
        return "The connection of this profile's primary identity does not exist any more."
    if connection.kind in (AuthConnectionKind.DATABASE, AuthConnectionKind.PASSWORDLESS):
        return None
    if connection.kind is AuthConnectionKind.CUSTOM_DATABASE and connection.import_mode:
        return None
    if connection.sync_root_attributes is not SyncRootAttributes.ON_EACH_LOGIN:
        return None
    owner = "database" if connection.kind is AuthConnectionKind.CUSTOM_DATABASE else "identity provider"
    way_out = " or its importMode is on" if connection.kind is AuthConnectionKind.CUSTOM_DATABASE else ""
    return (
        f"The {owner} of connection {connection.name} sets this attribute at each login. It can be edited once the"
        f" connection's syncRootAttributes is ON_FIRST_LOGIN or NEVER{way_out}."
    )
