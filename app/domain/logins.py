"""Logins: how they create and refresh a profile, and how many failed logins block an IP address for an account."""

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

# Failed logins from one IP address for one account, after which that address is kept out of the account.
MAX_FAILURES = 10
# Of a raw profile that a provider sent, as compact JSON.
MAX_PROFILE_BYTES = 65_536
_OURS = (AuthConnectionKind.DATABASE, AuthConnectionKind.PASSWORDLESS)
_IDENTIFIERS = ("email", "email_verified", "username", "phone_number", "phone_verified")
# What an identity provider can verify, and the mark that says whether it did.
_VERIFIABLE = {"email": "email_verified", "phone_number": "phone_verified"}
# What a version counts; counters, tokens and what the provider sent are not among them.
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
    """One login, as the login service reports it. `profile_data` is the raw profile as JSON; tokens are sealed.

    `dropped_bytes` is the size of a raw profile that is too large to be kept; then `profile_data` is a marker.
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
    def is_ours(self) -> bool:
        """Whether the account is kept here: then a login says nothing new about it."""
        kind = self.connection.kind
        return kind in _OURS or (kind is AuthConnectionKind.CUSTOM_DATABASE and self.connection.import_mode)


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """What a login with this idempotency key came to, and the SHA-256 of its input. `user` and `event` are `_id`s."""

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
    """Records what the login came to. Whoever comes second with the same key gets the same answer."""

    record: IdempotencyRecord


@dataclass(frozen=True, slots=True)
class ForgetFailures(SideEffect):
    """Forgets failed logins of the user: from one IP address, or from all."""

    ip: str | None = None


def keys_of_login(login: Login) -> list[str]:
    """Which keys find its profile. Where the payload has no id: the address, name or number, in this connection.

    Empty: the payload identifies nobody. Accounts of other connections are never matched by address.
    """
    claims, name = login.claims, login.connection.name
    if claims.user_id is not None:
        return [subject_key(login.connection.strategy, name, claims.user_id)]
    if login.connection.kind in (*_OURS, AuthConnectionKind.CUSTOM_DATABASE):
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
    """`strategy|id`, for enterprise connections `strategy|connection|id`."""
    if connection.kind is AuthConnectionKind.ENTERPRISE:
        return f"{connection.strategy}|{connection.name}|{account}"
    return f"{connection.strategy}|{account}"


def create_profile(login: Login, id: Key, account: str, at: datetime) -> User:
    """A new profile: root attributes from the payload, else their defaults. `account` is the provider's id of it."""
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
    """The profile after one more login. One that is older than the last moves the counter only.

    The version is as it was: whoever writes it counts.
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
    """Earlier versions stored the address of an image on another host, with a hash of the user's e-mail address."""
    known = user.provenance.get("picture")
    if known is None or known.source is not AttributeSource.DEFAULT:
        return user
    provenance = {name: each for name, each in user.provenance.items() if name != "picture"}
    return replace(user, picture=None, provenance=provenance)


def _index(user: User, login: Login) -> int:
    """Of the identity that logged in. Without an id in the payload: the one of this connection."""
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
    """By the primary identity's login alone."""
    if login.is_ours:
        return _proven(user, login)
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
    """The identifiers after a login. An assumed value never replaces what is there.

    An address or a number that changes counts as verified only if the provider says so of the new one.
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
    """Whether a login sets this root attribute. What the provider states replaces anything; a default replaces nothing.

    A provider that says nothing takes nothing away: Apple sends a name once. A default does not come back after
    somebody cleared the attribute.
    """
    before, known = getattr(user, name), user.provenance.get(name)
    if value is None or value == before:
        return False
    if claims.states(name):
        return True
    if before is None:
        return known is None
    if name == "name" and _is_composed(claims):
        is_default = known is not None and known.source is AttributeSource.DEFAULT
        return is_default or before == joined(user.given_name, user.family_name)
    return False


def _is_composed(claims: Claims) -> bool:
    """Whether the name consists of both parts as the provider stated them."""
    parts = (claims.given_name, claims.family_name)
    return None not in parts and claims.name == joined(*parts)


def _provenance(login: Login, name: str, at: datetime) -> Provenance:
    """A name of both stated parts is the provider's; of one part, or of another attribute, it is a default."""
    claims = login.claims
    if claims.states(name) or (name == "name" and _is_composed(claims)):
        return Provenance(AttributeSource.IDP, at, login.connection.name)
    return Provenance(AttributeSource.DEFAULT, at)


def _proven(user: User, login: Login) -> User:
    """A passwordless login shows that the address, or the number, is the user's."""
    claims = login.claims
    if claims.email_verified and user.email and claims.email and fold(claims.email) == fold(user.email):
        user = replace(user, email_verified=True)
    if claims.phone_verified and claims.phone_number and claims.phone_number == user.phone_number:
        user = replace(user, phone_verified=True)
    return user


def versioned(user: User) -> dict[str, Any]:
    """The fields that the version counts."""
    return {name: getattr(user, name) for name in VERSIONED}


def said(user: User) -> dict[str, Any]:
    """Of those, the ones that say something: what history tells of."""
    return {name: value for name, value in versioned(user).items() if value not in (None, {})}
