"""Making an account, and taking one away."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.domain.accounts import Identifiers, check_creatable, check_identifiers, check_username, to_claims
from app.domain.claims import with_defaults
from app.domain.errors import ErrorCode, Refused
from app.domain.logins import to_user_id, versioned
from app.domain.logs import LogEventType, diff
from app.domain.metadata import RESERVED_APP_METADATA, check_patch, check_size
from app.domain.principals import Principal
from app.domain.root_attributes import check_root_attribute
from app.domain.rules import CREATE_USERS, DELETE_USER, UPDATE_APP_METADATA
from app.domain.times import now
from app.domain.users import AttributeSource, Changes, Identity, Provenance, User
from app.services.changes import ProfileChanges, Target, check_reason, to_event
from app.services.identifiers import read_email, read_phone_number
from app.services.reads import require
from app.store.accounts import Accounts as StoredAccounts
from app.store.connections import Connections
from app.store.database import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """CreateUserInput. `root_attributes` by stored name; None metadata is empty."""

    connection: str
    email: str | None = None
    username: str | None = None
    phone_number: str | None = None
    email_verified: bool | None = None
    phone_verified: bool | None = None
    root_attributes: Mapping[str, str | None] = field(default_factory=dict)
    user_metadata: Any = None
    app_metadata: Any = None
    reason: str | None = None


class Accounts:
    """`max_bytes` is the most that either metadata document may take."""

    def __init__(
        self, changes: ProfileChanges, connections: Connections, accounts: StoredAccounts, max_bytes: int
    ) -> None:
        self._changes = changes
        self._connections = connections
        self._accounts = accounts
        self._max_bytes = max_bytes

    async def create(self, principal: Principal | None, new: NewUser) -> User:
        """Raises Forbidden; Refused with INVALID_INPUT, NOT_FOUND, NOT_EDITABLE, ALREADY_EXISTS, TOO_LARGE."""
        principal = require(principal, CREATE_USERS)
        if new.app_metadata is not None:
            require(principal, UPDATE_APP_METADATA)
        check_reason(new.reason)
        connection = await self._connections.find(principal.tenant, new.connection)
        if connection is None:
            raise Refused(ErrorCode.NOT_FOUND, "There is no such connection.", ("connection",))
        check_creatable(connection)
        identifiers = _read(new)
        check_identifiers(connection, identifiers)
        key, at = new_id(), now()
        values, provenance = _root_attributes(new, identifiers, at)
        account = str(new_id())
        user = User(
            id=key,
            tenant=principal.tenant,
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
            created_at=at,
            updated_at=at,
        )
        told = {name: value for name, value in versioned(user).items() if value not in (None, {})}
        changes = Changes(LogEventType.USER_CREATED, told)
        event = to_event(principal, user, changes, new.reason, diff({}, told))
        if not await self._accounts.insert(user, replace(event, connection=connection.name)):
            message = "Another user of this connection has this address, name or number."
            raise Refused(ErrorCode.ALREADY_EXISTS, message, _identifier_path(identifiers))
        return user

    async def delete(self, principal: Principal | None, target: Target, erase: bool) -> str:
        """Takes the account and what is linked to it away; the history stays until it expires. With `erase` it stands
        without the person in it. Returns the `user_id`. Raises what `ProfileChanges.find` does; Refused CONTENDED.
        """
        caller, user = await self._changes.find(principal, DELETE_USER, target)
        event = to_event(caller, user, Changes(LogEventType.USER_DELETED, {}), target.reason, ())
        if not await self._accounts.delete(user, event, erase):
            raise Refused(ErrorCode.CONTENDED, "Others write this profile now; nothing was changed. Send it again.")
        return user.user_id

    def _metadata(self, name: str, given: Any, reserved: frozenset[str]) -> Mapping[str, Any]:
        if given is None:
            return {}
        try:
            document = dict(check_patch(given, reserved))
            check_size(document, self._max_bytes)
        except Refused as refusal:
            raise Refused(refusal.code, refusal.message, (name, *refusal.path[1:])) from None
        return document


def _read(new: NewUser) -> Identifiers:
    return Identifiers(
        email=None if new.email is None else read_email(new.email),
        username=None if new.username is None else check_username(new.username),
        phone_number=None if new.phone_number is None else read_phone_number(new.phone_number),
    )


def _root_attributes(new: NewUser, identifiers: Identifiers, at: Any) -> tuple[dict[str, Any], dict[str, Provenance]]:
    for name, value in new.root_attributes.items():
        check_root_attribute(name, value)
    given = {name: value for name, value in new.root_attributes.items() if value is not None}
    claims = replace(to_claims(identifiers), **given)  # type: ignore[arg-type]
    values = with_defaults(claims)
    sources = {name: AttributeSource.ADMIN if name in given else AttributeSource.DEFAULT for name in values}
    return values, {name: Provenance(sources[name], at) for name, value in values.items() if value is not None}


def _identifier_path(identifiers: Identifiers) -> tuple[str, ...]:
    if identifiers.email:
        return ("email",)
    return ("username",) if identifiers.username else ("phoneNumber",)
