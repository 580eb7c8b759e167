"""Passwords: chosen, changed, verified, and reset by mail."""

from dataclasses import dataclass, replace
from hashlib import sha256

from app.domain.accounts import why_no_mail
from app.domain.commits import Changes
from app.domain.errors import ErrorCode, Refused
from app.domain.filters import In
from app.domain.identifiers import find_account, fold
from app.domain.ids import Key
from app.domain.logs import LogEventType
from app.domain.mail import check_mail
from app.domain.passwords import (
    MAX_PASSWORD_CHANGES,
    MAX_TRIES,
    MAX_TRIES_FROM_ANYWHERE,
    MAX_TYPED,
    MIN_LENGTH,
    MIN_LENGTH_WITH_MFA,
    Credential,
    PasswordRefused,
    check_content,
    check_form,
    guessable_words,
    identifiers_of,
    password_changes,
    version_of,
    why_no_password,
)
from app.domain.principals import Principal
from app.domain.rules import CHANGE_PASSWORD, SEND_ACCOUNT_MAIL, VERIFY_PASSWORDS, Rule
from app.domain.tickets import TicketPurpose
from app.domain.times import now
from app.domain.users import User
from app.services.callers import Callers
from app.services.identifiers import keys_of_typed, named_connection, primary_connection
from app.services.login_reports import read_ip
from app.services.password_hashes import PasswordHashes
from app.services.ticket_mails import issue
from app.services.use_cases import requires
from app.services.writes import AuthorizedWrite, Target, Writes
from app.store.connections import ConnectionStore
from app.store.passwords import CredentialStore
from app.store.users import UserStore


@dataclass(frozen=True, slots=True)
class Verified:
    """Whether the password is right. If it is, `user` is the profile that it belongs to."""

    valid: bool
    user: User | None = None


class Passwords:
    """Of database users. `mfa_tenants`: where a second factor is always asked for, so that a shorter one will do.
    `product` are names of the product, which are easy to guess. Without `can_mail` no reset is sent.
    """

    def __init__(
        self,
        writes: Writes,
        callers: Callers,
        users: UserStore,
        connections: ConnectionStore,
        credentials: CredentialStore,
        hashes: PasswordHashes,
        mfa_tenants: frozenset[str],
        product: tuple[str, ...] = (),
        can_mail: bool = True,
    ) -> None:
        self._writes = writes
        self._callers = callers
        self._users = users
        self._connections = connections
        self._credentials = credentials
        self._hashes = hashes
        self._mfa_tenants = mfa_tenants
        self._product = product
        self._can_mail = can_mail

    def min_length(self, tenant: str) -> int:
        """The number of characters that a new password needs in this tenant."""
        return MIN_LENGTH_WITH_MFA if tenant in self._mfa_tenants else MIN_LENGTH

    async def choose(self, caller: str, user: User, password: str, path: str) -> str:
        """Returns the hash of the first password of a new user. Raises PasswordRefused with `path` for one that is not
        accepted. `caller` is as in PasswordHashes.
        """
        self._check_new(user, password, path)
        return await self._hash(caller, user, password, path)

    async def choose_another(self, caller: str, user: User, password: str, path: str) -> str:
        """As `choose`, for an existing user. Refused with RATE_LIMITED after MAX_PASSWORD_CHANGES in an hour."""
        self._check_new(user, password, path)
        await self._count_change(user)
        return await self._hash(caller, user, password, path)

    @requires(CHANGE_PASSWORD)
    async def change(
        self,
        principal: Principal | None,
        rule: Rule,
        target: Target,
        new: str,
        current: str | None,
        must_change: bool | None,
    ) -> User:
        """Takes devices and tickets with it. A tool's is to be changed at the next sign-in, unless `must_change` says
        otherwise. Raises what `Writes.commit` does; Refused with NOT_EDITABLE, INVALID_INPUT, RATE_LIMITED.
        """
        opened = await self._writes.begin(principal, rule, target)
        caller, user = opened.caller, opened.user
        is_self = caller.is_self(user.id)
        await self._check_has_password(user, "newPassword")
        if is_self and current is None:
            self._writes.require_recent(caller)
        self._check_new(user, new, "newPassword")
        if current is not None:
            _check_typed(current, "currentPassword")
        await self._count_change(user)
        credential = await self._credentials.find(user.tenant, user.id)
        if current is not None:
            await self._check_current(opened, credential, current)
        hash = await self._hash(caller.key, user, new, "newPassword")
        must_change = not is_self if must_change is None else must_change
        changes = password_changes(hash, version_of(credential), must_change)
        return await self._writes.commit(opened, lambda _: changes)

    async def check_current(self, opened: AuthorizedWrite, password: str) -> None:
        """Refused with INVALID_INPUT where it is not the user's password, RATE_LIMITED after too many tries or
        changes.
        """
        _check_typed(password, "currentPassword")
        user = opened.user
        await self._count_change(user)
        credential = await self._credentials.find(user.tenant, user.id)
        await self._check_current(opened, credential, password)

    @requires(VERIFY_PASSWORDS)
    async def verify(
        self, principal: Principal | None, rule: Rule, connection: str, identifier: str, password: str, ip: str | None
    ) -> Verified:
        """An unknown user and a wrong password look alike, and take as long. An old hash is made anew.

        Raises Forbidden; Refused with NOT_FOUND, INVALID_INPUT, RATE_LIMITED; USER_BLOCKED where it was the right one.
        """
        principal = await self._callers.authorize(principal, rule)
        _check_typed(password, "password")
        refusal = why_no_password(await named_connection(self._connections, principal.tenant, connection))
        if refusal is not None:
            raise Refused(ErrorCode.INVALID_INPUT, refusal.message, ("connection",))
        ip = read_ip(ip)
        keys = keys_of_typed(connection, identifier)
        user = await self._users.find(principal.tenant, In("keys", keys))
        account = Key(None) if user is None else find_account(user, keys)
        # By account: an e-mail address, a username and a phone number are no three chances to guess one password.
        named = _unknown(connection, identifier) if user is None else f"account:{account}"
        tries = _tries(named, ip or "")
        await self._count_tries(principal.tenant, tries)
        credential = None if user is None else await self._credentials.find(principal.tenant, account)
        bcrypt_hash = await self._credentials.find_any_bcrypt_hash(principal.tenant)
        # The login service speaks for many: those of one IP address take turns with those of another.
        caller = f"{principal.key}/{ip or ''}"
        stored = credential.hash if credential else None
        if not await self._hashes.verify(caller, stored, password, bcrypt_hash) or user is None or credential is None:
            return Verified(valid=False)
        await self._credentials.forget_attempts(principal.tenant, list(tries))
        if user.blocked:
            raise Refused(ErrorCode.USER_BLOCKED, "The user is blocked.")
        if self._hashes.is_outdated(credential.hash):
            anew = await self._hashes.hash(caller, password)
            await self._credentials.upgrade(principal.tenant, account, credential.hash, anew)
        return Verified(valid=True, user=user)

    @requires(SEND_ACCOUNT_MAIL)
    async def send_reset(self, principal: Principal | None, rule: Rule, target: Target) -> User:
        """Sends a ticket for a new password. Raises what `Writes.commit` does; Refused with NOT_EDITABLE,
        RATE_LIMITED, MAIL_UNAVAILABLE.
        """
        opened = await self._writes.begin(principal, rule, target)
        user = opened.user
        await self._check_has_password(user, "userId")
        version = version_of(await self._credentials.find(user.tenant, user.id))

        def decide(user: User) -> Changes:
            refusal = why_no_mail(user.email)
            if refusal:
                raise Refused(ErrorCode.NOT_EDITABLE, refusal.message, ("userId",))
            check_mail(self._can_mail)
            assert user.email
            mail = issue(user, TicketPurpose.RESET_PASSWORD, user.email, version, ())
            return Changes(LogEventType.PASSWORD_CHANGE_REQUESTED, {}, mail)

        return await self._writes.commit(opened, decide)

    async def _check_has_password(self, user: User, path: str) -> None:
        refusal = why_no_password(await primary_connection(self._connections, user))
        if refusal is not None:
            raise Refused(ErrorCode.NOT_EDITABLE, refusal.message, (path,))

    async def _check_current(self, opened: AuthorizedWrite, credential: Credential | None, password: str) -> None:
        caller, user = opened.caller, opened.user
        tries = _tries(f"account:{user.id}", "current")
        await self._count_tries(user.tenant, tries)
        if await self._hashes.verify(caller.key, credential.hash if credential else None, password):
            await self._credentials.forget_attempts(user.tenant, list(tries))
            return
        # The reason that was given is one for the change, which did not happen.
        await self._writes.record(replace(opened, target=Target()), Changes(LogEventType.PASSWORD_CHANGE_FAILED, {}))
        raise Refused(ErrorCode.INVALID_INPUT, "That is not the current password.", ("currentPassword",))

    def _check_new(self, user: User, password: str, path: str) -> None:
        """What can be told without work."""
        check_form(password, self.min_length(user.tenant), path)
        check_content(password, identifiers_of(user), path)

    async def _hash(self, caller: str, user: User, password: str, path: str) -> str:
        problem = await self._hashes.find_problem(caller, password, guessable_words(user, self._product))
        if problem is not None:
            raise PasswordRefused(problem, path)
        return await self._hashes.hash(caller, password)

    async def _count_change(self, user: User) -> None:
        """Counted before anything is hashed, and whether it succeeds or not."""
        if await self._credentials.count_change(user.tenant, user.id, now()) > MAX_PASSWORD_CHANGES:
            limit = f"at most {MAX_PASSWORD_CHANGES} times an hour"
            message = f"The password of a user is set or checked {limit}. Try again later."
            raise Refused(ErrorCode.RATE_LIMITED, message)

    async def _count_tries(self, tenant: str, limits: dict[str, int]) -> None:
        """Counted before it is tried, so that many at once are no way around."""
        for key, limit in limits.items():
            if await self._credentials.count_attempt(tenant, key, now()) > limit:
                message = "Too many wrong passwords. Wait a quarter of an hour."
                raise Refused(ErrorCode.RATE_LIMITED, message)


def _check_typed(password: str, path: str) -> None:
    """Refused with INVALID_INPUT for what nobody's password can be, before it costs a hash."""
    if not 1 <= len(password) <= MAX_TYPED:
        raise Refused(ErrorCode.INVALID_INPUT, f"A password has 1 to {MAX_TYPED} characters.", (path,))


def _tries(named: str, place: str) -> dict[str, int]:
    """The keys under which one try is counted, each with its limit."""
    return {f"{named}:{place}": MAX_TRIES, named: MAX_TRIES_FROM_ANYWHERE}


def _unknown(connection: str, identifier: str) -> str:
    """What an identifier that names no account is counted as. Only its SHA-256 is kept."""
    return sha256(f"{connection}:{fold(identifier)}".encode("utf-8", "replace")).hexdigest()
