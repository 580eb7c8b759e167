"""Logins: how they create and update a profile, and how many failed logins block an IP address for an account."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.domain.claims import Claims, joined, with_defaults
from app.domain.commits import SideEffect
from app.domain.connections import AuthConnection, AuthConnectionKind, SyncRootAttributes
from app.domain.identifiers import email_key, fold, phone_key, subject_key, username_key
from app.domain.ids import Key
from app.domain.users import AttributeSource, Identity, Provenance, User

# Number of failed logins from one IP address for one account, after which this IP address is blocked for the account.
MAX_FAILURES = 10
# Maximum size of a provider's raw profile, in bytes of compact JSON.
MAX_PROFILE_BYTES = 65_536
# Kinds of connections whose accounts this service stores.
_MANAGED_KINDS = (AuthConnectionKind.DATABASE, AuthConnectionKind.PASSWORDLESS)
_IDENTIFIERS = ("email", "email_verified", "username", "phone_number", "phone_verified")
# The identifiers that a provider can verify, each with the field that tells whether it is verified.
_VERIFIABLE = {"email": "email_verified", "phone_number": "phone_verified"}
# A login that changes one of these fields increases the version. Counters, tokens and raw profiles are not among them:
# otherwise every login would be a version conflict for a user who is editing the profile.
VERSIONED = (
    "name",
    "given_name",
    "family_name",
    "nickname",
    "picture",
    *_IDENTIFIERS,
    "user_metadata",
    "app_metadata",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A login that the login service reported. `profile_data` is the raw profile as JSON. The tokens are encrypted.

    `dropped_bytes` is the size of a raw profile that is too large to be stored. In this case `profile_data` is a marker
    such as {"too_large": true, "bytes": 70000}.
    """

    connection: AuthConnection
    claims: Claims
    at: datetime
    profile_data: str | None = None
    dropped_bytes: int | None = None
    access_token: str | None = None
    refresh_token: str | None = None
    ip: str | None = None

    @property
    def is_managed(self) -> bool:
        """Whether this service stores the account. Then a login has no new data about it."""
        kind = self.connection.kind
        return kind in _MANAGED_KINDS or (kind is AuthConnectionKind.CUSTOM_DATABASE and self.connection.import_mode)


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """The result of a login with an idempotency key, and the SHA-256 of its input. `user` and `event` are `_id`s."""

    tenant: str
    client: str
    key: str
    hash: str
    user: Key
    created: bool
    event: Key
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class PutIdempotencyRecord(SideEffect):
    """Stores the result of a login. A repeated request with the same key gets the stored result."""

    record: IdempotencyRecord


@dataclass(frozen=True, slots=True)
class ForgetFailures(SideEffect):
    """Deletes the counts of the user's failed logins from one IP address, or from all if `ip` is None."""

    ip: str | None = None


def keys_of_login(login: Login) -> list[str]:
    """Returns the keys that find the profile of a login, or an empty list when it identifies no account.

    If the provider sent no id, the key is the e-mail address, the username or the phone number in this connection.
    """
    # A key of an identifier always contains the connection. Otherwise a provider that does not verify e-mail addresses
    # would let anybody log in to another user's account.
    claims, name = login.claims, login.connection.name
    if claims.user_id is not None:
        return [subject_key(login.connection.strategy, name, claims.user_id)]
    if login.connection.kind in (*_MANAGED_KINDS, AuthConnectionKind.CUSTOM_DATABASE):
        return list(_identifying(claims, name))[:1]
    return []


def _identifying(claims: Claims, connection: str) -> Iterator[str]:
    if claims.email:
        yield email_key(connection, claims.email)
    if claims.username:
        yield username_key(connection, claims.username)
    if claims.phone_number:
        yield phone_key(connection, claims.phone_number)


def to_user_id(connection: AuthConnection, account: str) -> str:
    """Returns the user id: `strategy|id`, or `strategy|connection|id` for enterprise connections."""
    if connection.kind is AuthConnectionKind.ENTERPRISE:
        return f"{connection.strategy}|{connection.name}|{account}"
    return f"{connection.strategy}|{account}"


def create_profile(login: Login, id: Key, account: str, at: datetime) -> User:
    """Returns a new profile with the root attributes that the provider sent, or their defaults.

    `account` is the provider's id of the account.
    """
    connection, claims = login.connection, login.claims
    values = with_defaults(claims)
    provenance = {name: _provenance(login, name, at) for name, value in values.items() if value is not None}
    return User(
        id=id,
        tenant=connection.tenant,
        user_id=to_user_id(connection, account),
        **values,
        provenance=provenance,
        **{name: getattr(claims, name) for name in _IDENTIFIERS},
        identities=(
            Identity(
                provider=connection.strategy,
                connection=connection.name,
                user_id=account,
                is_social=connection.kind is AuthConnectionKind.SOCIAL,
                profile_data=login.profile_data,
                access_token=login.access_token,
                refresh_token=login.refresh_token,
            ),
        ),
        created_at=at,
        updated_at=at,
        last_login=login.at,
        last_ip=login.ip,
        logins_count=1,
    )


def refresh_profile(user: User, login: Login, at: datetime) -> User:
    """Returns the profile after another login. A login that is older than the last one only increases the counter.

    The version stays the same; the code that writes the profile increases it.
    """
    counted = replace(_without_default_picture(user), logins_count=user.logins_count + 1)
    if user.last_login is not None and login.at < user.last_login:
        return counted
    index = _index(user, login)
    identities = list(user.identities)
    identities[index] = replace(
        identities[index],
        profile_data=login.profile_data,
        access_token=login.access_token or identities[index].access_token,
        refresh_token=login.refresh_token or identities[index].refresh_token,
    )
    seen = replace(counted, identities=tuple(identities), last_login=login.at, last_ip=login.ip or user.last_ip)
    return _refreshed(seen, login, at) if index == 0 else seen


def _without_default_picture(user: User) -> User:
    """Removes a default picture. Pictures from the user or a provider stay."""
    # Earlier versions of this service stored the URL of an image on another host, with a hash of the e-mail address.
    known = user.provenance.get("picture")
    if known is None or known.source is not AttributeSource.DEFAULT:
        return user
    provenance = {name: each for name, each in user.provenance.items() if name != "picture"}
    return replace(user, picture=None, provenance=provenance)


def _index(user: User, login: Login) -> int:
    """Returns the index of the identity that logged in.

    If the provider sent no id, returns the index of the first identity in this connection.
    """
    connection, account = login.connection, login.claims.user_id
    for index, each in enumerate(user.identities):
        if account is None:
            if each.connection == connection.name:
                return index
        elif subject_key(each.provider, each.connection, each.user_id) == subject_key(
            connection.strategy, connection.name, account
        ):
            return index
    return 0


def _refreshed(user: User, login: Login, at: datetime) -> User:
    """Returns the profile after a login with the primary identity."""
    if login.is_managed:
        return _with_proof(user, login)
    refreshed = replace(user, **_identifiers(user, login.claims))
    if login.connection.sync_root_attributes is not SyncRootAttributes.ON_EACH_LOGIN:
        return refreshed
    values = {
        name: value for name, value in with_defaults(login.claims).items() if _takes(user, login.claims, name, value)
    }
    if not values:
        return refreshed
    provenance = dict(user.provenance) | {name: _provenance(login, name, at) for name in values}
    return replace(refreshed, **values, provenance=provenance)


def _identifiers(user: User, claims: Claims) -> dict[str, Any]:
    """Returns the identifiers that a login sets. An assumed value never replaces a stored one.

    A changed e-mail address or phone number is only verified if the provider states that the new one is verified.
    """
    values: dict[str, Any] = {}
    if claims.username is not None:
        values["username"] = claims.username
    for name, mark in _VERIFIABLE.items():
        value, before = getattr(claims, name), getattr(user, name)
        if value is None or (before is not None and not claims.states(name)):
            continue
        values[name] = value
        is_same = before is not None and fold(value) == fold(before)
        if claims.states(mark):
            values[mark] = getattr(claims, mark)
        elif not is_same:
            values[mark] = False
    return values


def _takes(user: User, claims: Claims, name: str, value: str | None) -> bool:
    """Whether a login sets this root attribute. A value that the provider states replaces any stored value.

    A default only fills an attribute that was never set. A name that is made of a given name and a family name may also
    replace an earlier default, or a name that was made of the stored given name and family name.
    """
    before, known = getattr(user, name), user.provenance.get(name)
    # A missing claim removes nothing: Apple, for example, sends the name only at the first login.
    if value is None or value == before:
        return False
    if claims.states(name):
        return True
    # An attribute without a value but with a provenance was cleared by somebody, and the default must not return.
    if before is None:
        return known is None
    if name == "name" and _is_composed(claims):
        is_default = known is not None and known.source is AttributeSource.DEFAULT
        return is_default or before == joined(user.given_name, user.family_name)
    return False


def _is_composed(claims: Claims) -> bool:
    """Whether the name consists of the given name and the family name, and the provider sent both."""
    parts = (claims.given_name, claims.family_name)
    return None not in parts and claims.name == joined(*parts)


def _provenance(login: Login, name: str, at: datetime) -> Provenance:
    """Returns the provenance of a root attribute: the provider if it stated the value, else DEFAULT.

    A name that is composed of a given name and a family name of the provider counts as stated.
    """
    claims = login.claims
    if claims.states(name) or (name == "name" and _is_composed(claims)):
        return Provenance(AttributeSource.IDP, at, login.connection.name)
    return Provenance(AttributeSource.DEFAULT, at)


def _with_proof(user: User, login: Login) -> User:
    """Marks the e-mail address or phone number as verified when a passwordless login proved that it is the user's."""
    claims = login.claims
    if claims.email_verified and user.email and claims.email and fold(claims.email) == fold(user.email):
        user = replace(user, email_verified=True)
    if claims.phone_verified and claims.phone_number and claims.phone_number == user.phone_number:
        user = replace(user, phone_verified=True)
    return user


def versioned_fields(user: User) -> dict[str, Any]:
    """Returns the fields of a profile in VERSIONED, with their values."""
    return {name: getattr(user, name) for name in VERSIONED}


def filled_fields(user: User) -> dict[str, Any]:
    """Returns the versioned fields that are not empty. The log event of a new profile lists them."""
    return {name: value for name, value in versioned_fields(user).items() if value not in (None, {})}
