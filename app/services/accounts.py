"""Making an account, and taking one away."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.domain.accounts import (
    Identifiers,
    check_creatable,
    check_identifiers,
    check_sign_up_metadata,
    check_username,
    to_claims,
)
from app.domain.claims import with_defaults
from app.domain.connections import AuthConnection
from app.domain.errors import ErrorCode, Refused
from app.domain.identifiers import email_key, identifier_keys, keys_of
from app.domain.logins import said, to_user_id
from app.domain.logs import LogEvent, LogEventType, diff
from app.domain.mail import MailTemplate, SendMail, check_mail
from app.domain.metadata import RESERVED_APP_METADATA, check_patch, check_size
from app.domain.passwords import SetPassword, why_no_password
from app.domain.principals import Principal, Source
from app.domain.root_attributes import check_root_attribute
from app.domain.rules import CREATE_USERS, DELETE_USER, UPDATE_APP_METADATA
from app.domain.tickets import TicketPurpose
from app.domain.times import now
from app.domain.users import AttributeSource, Beside, Changes, Identity, Provenance, User
from app.policy.rules import require_scopes
from app.services.callers import Callers
from app.services.changes import DEADLINE_SECONDS, ProfileChanges, Target, check_reason, taken, to_event, wait
from app.services.identifiers import named_connection, read_email, read_phone_number
from app.services.password_hashes import check_hash
from app.services.tickets import Choose, as_themselves, issue, to_mail
from app.store.accounts import Accounts as StoredAccounts
from app.store.connections import Connections
from app.store.database import KeyTaken, new_id
from app.store.outbox import Outbox
from app.store.users import Users


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
    password: str | None = None
    password_hash: str | None = None
    must_change_password: bool = False
    send_verification_email: bool = False
    reason: str | None = None


class Accounts:
    """`max_bytes` is the most that either metadata document may take; `choose` makes a hash of a new password;
    `tenants` are those that are served. Without `can_mail` what would send mail is refused.
    """

    def __init__(
        self,
        changes: ProfileChanges,
        callers: Callers,
        users: Users,
        connections: Connections,
        accounts: StoredAccounts,
        outbox: Outbox,
        choose: Choose,
        max_bytes: int,
        tenants: Sequence[str],
        can_mail: bool = True,
    ) -> None:
        self._changes = changes
        self._callers = callers
        self._users = users
        self._connections = connections
        self._accounts = accounts
        self._outbox = outbox
        self._choose = choose
        self._max_bytes = max_bytes
        self._tenants = tenants
        self._can_mail = can_mail

    async def create(self, principal: Principal | None, new: NewUser) -> User:
        """Raises Forbidden; Refused with INVALID_INPUT, NOT_FOUND, NOT_EDITABLE, ALREADY_EXISTS, TOO_LARGE, CONTENDED;
        RATE_LIMITED where the verification mail is one too many, MAIL_UNAVAILABLE.
        """
        principal = await self._callers.authorize(principal, CREATE_USERS)
        if new.app_metadata is not None:
            require_scopes(principal, UPDATE_APP_METADATA)
        check_reason(new.reason)
        connection = await self._connection(principal.tenant, new.connection)
        identifiers = _read(new)
        check_identifiers(connection, identifiers)
        user = self._to_user(connection, new, identifiers, AttributeSource.ADMIN)
        if new.send_verification_email:
            if user.email is None or user.email_verified:
                message = "There is no address that waits to be verified."
                raise Refused(ErrorCode.INVALID_INPUT, message, ("sendVerificationEmail",))
            check_mail(self._can_mail, ("sendVerificationEmail",))
        beside = await self._credential(principal.key, connection, user, new)
        if new.send_verification_email and user.email is not None:
            beside += issue(user, TicketPurpose.VERIFY_EMAIL, user.email, len(beside), ("sendVerificationEmail",))
        event = _first_event(principal, user, LogEventType.USER_CREATED, new.reason)
        # A hash takes a while, and the caller may be blocked meanwhile.
        await self._callers.confirm(principal)
        try:
            await self._insert(user, event, beside)
        except KeyTaken:
            raise taken(name for name in ("email", "username", "phone_number") if getattr(identifiers, name)) from None
        return user

    async def sign_up(self, tenant: str | None, new: NewUser, source: Source) -> None:
        """An account that its user makes, with a mail to verify the address. The same for an address that has one:
        then the mail says so. Refused with INVALID_INPUT, NOT_FOUND, NOT_EDITABLE, TOO_LARGE, MAIL_UNAVAILABLE;
        ALREADY_EXISTS for a name where no address was given.
        """
        if tenant is None and len(self._tenants) > 1:
            raise Refused(ErrorCode.INVALID_INPUT, "Several tenants are served here: say which.", ("tenant",))
        connection = await self._connection(tenant or self._tenants[0], new.connection)
        if not connection.allows_sign_up:
            message = f"Connection {connection.name} does not let users sign up."
            raise Refused(ErrorCode.NOT_EDITABLE, message, ("connection",))
        check_sign_up_metadata(new.user_metadata)
        identifiers = _read(new)
        check_identifiers(connection, identifiers)
        if identifiers.email is not None:
            check_mail(self._can_mail, ("email",))
        user = self._to_user(connection, new, identifiers, AttributeSource.USER)
        beside = await self._credential(source.key, connection, user, new)
        if not beside:
            raise Refused(ErrorCode.INVALID_INPUT, "Users of this connection sign up with a password.", ("password",))
        if identifiers.email is not None:
            beside += issue(user, TicketPurpose.VERIFY_EMAIL, identifiers.email, len(beside), None)
        event = _first_event(as_themselves(user, source), user, LogEventType.SIGNUP_SUCCEEDED, None)
        owner = await self._owner(user)
        if owner is None:
            try:
                await self._insert(user, event, beside)
            except KeyTaken:
                owner = await self._owner(user)
            else:
                return
        await self._say_taken(owner, identifiers, user, source)

    async def _insert(self, user: User, event: LogEvent, beside: Sequence[Beside]) -> None:
        """KeyTaken; Refused with CONTENDED."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not await self._users.insert(user, event, beside):
            await wait(deadline)

    async def _owner(self, wanted: User) -> User | None:
        """Who has the address, else who has the name."""
        for key in identifier_keys(wanted):
            found = await self._users.find({"tenant": wanted.tenant, "keys": key})
            if found is not None:
                return found
        return None

    async def _say_taken(self, owner: User | None, identifiers: Identifiers, wanted: User, source: Source) -> None:
        """To the owner of the address, by mail; of a name, to the address that is to have it."""
        if identifiers.email is None:
            raise taken(["username"])
        if owner is None:
            raise Refused(ErrorCode.CONTENDED, "Others sign up alike at this moment. Send it again.")
        if email_key(wanted.identities[0].connection, identifiers.email) not in keys_of(owner):
            mail = replace(to_mail(wanted, identifiers.email, MailTemplate.NAME_TAKEN), user=owner.id)
            await self._outbox.put(mail)
            return
        mail = to_mail(owner, identifiers.email, MailTemplate.EMAIL_TAKEN)
        changes = Changes(LogEventType.SIGNUP_FAILED, {}, (SendMail(mail, None),))
        await self._changes.apply_to_own(as_themselves(owner, source), lambda _: changes)

    async def _connection(self, tenant: str, name: str) -> AuthConnection:
        connection = await named_connection(self._connections, tenant, name)
        check_creatable(connection)
        return connection

    async def _credential(
        self, caller: str, connection: AuthConnection, user: User, new: NewUser
    ) -> tuple[Beside, ...]:
        """`password_hash` is another system's, made anew when its password is first seen."""
        if new.password is None and new.password_hash is None:
            return ()
        path = "password" if new.password_hash is None else "passwordHash"
        refusal = why_no_password(connection)
        if refusal is not None:
            raise Refused(ErrorCode.INVALID_INPUT, refusal.message, (path,))
        if new.password is None:
            return (SetPassword(check_hash(new.password_hash or "", path), 0),)
        if new.password_hash is not None:
            raise Refused(ErrorCode.INVALID_INPUT, "Give password or passwordHash, not both.", (path,))
        return (SetPassword(await self._choose(caller, user, new.password, path), 0),)

    def _to_user(
        self, connection: AuthConnection, new: NewUser, identifiers: Identifiers, source: AttributeSource
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


def _first_event(caller: Principal, user: User, type_: LogEventType, reason: str | None) -> LogEvent:
    """Of a new account: everything that it begins with."""
    told = said(user)
    event = to_event(caller, user, Changes(type_, told), reason, diff({}, told))
    [identity] = user.identities
    return replace(event, connection=identity.connection, strategy=identity.provider)


def _read(new: NewUser) -> Identifiers:
    return Identifiers(
        email=None if new.email is None else read_email(new.email),
        username=None if new.username is None else check_username(new.username),
        phone_number=None if new.phone_number is None else read_phone_number(new.phone_number),
    )


def _root_attributes(
    new: NewUser, identifiers: Identifiers, source: AttributeSource, at: Any
) -> tuple[dict[str, Any], dict[str, Provenance]]:
    for name, value in new.root_attributes.items():
        check_root_attribute(name, value)
    given = {name: value for name, value in new.root_attributes.items() if value is not None}
    claims = replace(to_claims(identifiers), **given)  # type: ignore[arg-type]
    values = with_defaults(claims)
    sources = {name: source if name in given else AttributeSource.DEFAULT for name in values}
    return values, {name: Provenance(sources[name], at) for name, value in values.items() if value is not None}
