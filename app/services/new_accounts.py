"""New accounts: validation, profile, password and first event. For createUser and signUp."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.domain.accounts import AccountIdentifiers, check_creatable, check_identifiers, check_username, to_claims
from app.domain.claims import with_defaults
from app.domain.commits import Changes, Commit, ProfileWrite, SideEffect
from app.domain.connections import AuthConnection
from app.domain.errors import ErrorCode, Refused
from app.domain.logins import filled_fields, to_user_id
from app.domain.logs import LogEventType, diff
from app.domain.metadata import RESERVED_APP_METADATA, check_patch, check_size
from app.domain.passwords import HashNewPassword, SetPassword, why_no_password
from app.domain.principals import Principal
from app.domain.root_attributes import check_root_attribute
from app.domain.times import now
from app.domain.users import AttributeSource, Identity, Provenance, User
from app.services.events import Events
from app.services.identifiers import named_connection, read_email, read_phone_number
from app.services.password_hashes import check_hash
from app.store.connections import ConnectionStore
from app.store.database import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """The input of createUser and signUp. `root_attributes` has stored names as keys. None metadata becomes empty."""

    connection: str
    email: str | None = None
    username: str | None = None
    phone_number: str | None = None
    email_verified: bool | None = None
    phone_verified: bool | None = None
    root_attributes: Mapping[str, str | None] = field(default_factory=dict)
    user_metadata: Any = None
    app_metadata: Any = None
    password: str | None = None
    password_hash: str | None = None
    must_change_password: bool = False
    send_verification_email: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account that is not stored yet. `identifiers` are the identifiers in the input."""

    user: User
    identifiers: AccountIdentifiers
    password: SetPassword | None

    @property
    def credential_version(self) -> int:
        """The version that the password will have when the account is stored. The first ticket is bound to it."""
        return 0 if self.password is None else self.password.new_version


class NewAccounts:
    """Checks new accounts. `max_bytes` is the maximum size of each metadata document, in bytes of compact JSON."""

    def __init__(
        self, connections: ConnectionStore, events: Events, hash_new_password: HashNewPassword, max_bytes: int
    ) -> None:
        self._connections = connections
        self._events = events
        self._hash_new_password = hash_new_password
        self._max_bytes = max_bytes

    async def connection(self, tenant: str, name: str) -> AuthConnection:
        """Returns the connection. Raises Refused with NOT_FOUND, or NOT_EDITABLE when users cannot be created in it."""
        connection = await named_connection(self._connections, tenant, name)
        check_creatable(connection)
        return connection

    def check(self, connection: AuthConnection, new: NewUser, source: AttributeSource) -> NewAccount:
        """Returns the account without its password. Raises Refused with INVALID_INPUT, FORBIDDEN_FIELD, TOO_LARGE."""
        identifiers = _read(new)
        check_identifiers(connection, identifiers)
        return NewAccount(self._to_user(connection, new, identifiers, source), identifiers, None)

    async def with_password(
        self, account: NewAccount, connection: AuthConnection, new: NewUser, caller: str
    ) -> NewAccount:
        """Returns the account with its password. `caller` is the caller of PasswordHashes.

        `password_hash` is the hash of another system. An old kind of hash is replaced when the password is first
        verified. Raises Refused with INVALID_INPUT, and what `PasswordHashes.hash` raises.
        """
        if new.password is None and new.password_hash is None:
            return account
        path = "password" if new.password_hash is None else "passwordHash"
        refusal = why_no_password(connection)
        if refusal is not None:
            raise Refused(ErrorCode.INVALID_INPUT, refusal.message, (path,))
        if new.password is None:
            return replace(account, password=SetPassword(check_hash(new.password_hash or "", path), 0))
        if new.password_hash is not None:
            raise Refused(ErrorCode.INVALID_INPUT, "Set password or passwordHash, not both.", (path,))
        hash = await self._hash_new_password(caller, account.user, new.password, path)
        return replace(account, password=SetPassword(hash, 0))

    def to_commit(
        self,
        account: NewAccount,
        caller: Principal,
        type_: LogEventType,
        reason: str | None,
        more: tuple[SideEffect, ...],
    ) -> Commit:
        """Returns the commit of the profile, its password, an event with its first values, and `more` side effects."""
        user, values = account.user, filled_fields(account.user)
        event = self._events.of_profile(caller, user, Changes(type_, values), reason, diff({}, values))
        [identity] = user.identities
        event = replace(event, connection=identity.connection, strategy=identity.provider)
        password = () if account.password is None else (account.password,)
        return Commit((ProfileWrite(None, user),), (event,), (*password, *more))

    def _to_user(
        self, connection: AuthConnection, new: NewUser, identifiers: AccountIdentifiers, source: AttributeSource
    ) -> User:
        at, account = now(), str(new_id())
        values, provenance = _root_attributes(new, identifiers, source, at)
        return User(
            id=new_id(),
            tenant=connection.tenant,
            user_id=to_user_id(connection, account),
            **values,
            provenance=provenance,
            email=identifiers.email,
            email_verified=bool(new.email_verified) if identifiers.email else None,
            username=identifiers.username,
            phone_number=identifiers.phone_number,
            phone_verified=bool(new.phone_verified) if identifiers.phone_number else None,
            user_metadata=self._metadata("userMetadata", new.user_metadata, frozenset()),
            app_metadata=self._metadata("appMetadata", new.app_metadata, RESERVED_APP_METADATA),
            identities=(Identity(provider=connection.strategy, connection=connection.name, user_id=account),),
            must_change_password=new.must_change_password,
            created_at=at,
            updated_at=at,
        )

    def _metadata(self, name: str, given: Any, reserved: frozenset[str]) -> Mapping[str, Any]:
        if given is None:
            return {}
        try:
            document = dict(check_patch(given, reserved))
            check_size(document, self._max_bytes)
        except Refused as refusal:
            raise Refused(refusal.code, refusal.message, (name, *refusal.path[1:])) from None
        return document


def _read(new: NewUser) -> AccountIdentifiers:
    return AccountIdentifiers(
        email=None if new.email is None else read_email(new.email),
        username=None if new.username is None else check_username(new.username),
        phone_number=None if new.phone_number is None else read_phone_number(new.phone_number),
    )


def _root_attributes(
    new: NewUser, identifiers: AccountIdentifiers, source: AttributeSource, at: datetime
) -> tuple[dict[str, Any], dict[str, Provenance]]:
    for name, value in new.root_attributes.items():
        check_root_attribute(name, value)
    given = {name: value for name, value in new.root_attributes.items() if value is not None}
    claims = replace(to_claims(identifiers), **given)  # type: ignore[arg-type]
    values = with_defaults(claims)
    sources = {name: source if name in given else AttributeSource.DEFAULT for name in values}
    return values, {name: Provenance(sources[name], at) for name, value in values.items() if value is not None}
