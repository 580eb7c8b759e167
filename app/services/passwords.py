"""Passwords: checks new passwords, and changes, verifies and resets passwords."""

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
    """Use cases of the passwords of database users.

    `mfa_tenants` always require a second factor, so that shorter passwords are allowed. `product` are names of the
    product, which are easy to guess in a password. Without `can_mail`, a password reset is refused.
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
        """Returns the minimum number of characters of a new password in this tenant."""
        return MIN_LENGTH_WITH_MFA if tenant in self._mfa_tenants else MIN_LENGTH

    async def choose(self, caller: str, user: User, password: str, path: str) -> str:
        """Returns the hash of the first password of a new user. `caller` is the caller of PasswordHashes.

        Raises PasswordRefused with `path` when the password is not accepted, and what `PasswordHashes.hash` raises.
        """
        self._check_new(user, password, path)
        return await self._hash(caller, user, password, path)

    async def choose_another(self, caller: str, user: User, password: str, path: str) -> str:
        """Like `choose`, for an existing user.

        Raises also Refused with RATE_LIMITED after MAX_PASSWORD_CHANGES in an hour.
        """
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
        """Changes the password, and revokes the devices and tickets of the user.

        A user must change a password that an application has set at the next sign-in, unless `must_change` is False.
        Raises what `Writes.begin` and `Writes.commit` raise, and Refused with NOT_EDITABLE, INVALID_INPUT or
        RATE_LIMITED.
        """
        opened = await self._writes.begin(principal, rule, target)
        caller, user = opened.caller, opened.user
        is_self = caller.is_self(user.id)
        await self._check_has_password(user, "newPassword")
        # The current password proves as much as a recent sign-in. Users need one of the two.
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
        """Raises Refused with INVALID_INPUT for a wrong password, and with RATE_LIMITED after too many attempts."""
        _check_typed(password, "currentPassword")
        user = opened.user
        await self._count_change(user)
        credential = await self._credentials.find(user.tenant, user.id)
        await self._check_current(opened, credential, password)

    @requires(VERIFY_PASSWORDS)
    async def verify(
        self, principal: Principal | None, rule: Rule, connection: str, identifier: str, password: str, ip: str | None
    ) -> Verified:
        """Verifies a password for the login service. After success, an old kind of hash is replaced.

        Raises Forbidden, and Refused with NOT_FOUND, INVALID_INPUT or RATE_LIMITED, or with USER_BLOCKED when the
        password is right and the user is blocked.
        """
        # An unknown user and a wrong password must have the same result after the same time: otherwise the login page
        # would show who has an account. So an attempt for an unknown user is counted and hashed too.
        principal = await self._callers.authorize(principal, rule)
        _check_typed(password, "password")
        refusal = why_no_password(await named_connection(self._connections, principal.tenant, connection))
        if refusal is not None:
            raise Refused(ErrorCode.INVALID_INPUT, refusal.message, ("connection",))
        ip = read_ip(ip)
        keys = keys_of_typed(connection, identifier)
        user = await self._users.find(principal.tenant, In("keys", keys))
        account = Key(None) if user is None else find_account(user, keys)
        # Attempts are counted by account: otherwise its e-mail address, username and phone number would each give an
        # attacker the full number of attempts.
        subject = _unknown_key(connection, identifier) if user is None else f"account:{account}"
        limits = _attempt_limits(subject, ip or "")
        await self._count_attempts(principal.tenant, limits)
        credential = None if user is None else await self._credentials.find(principal.tenant, account)
        bcrypt_hash = await self._credentials.find_any_bcrypt_hash(principal.tenant)
        # All users sign in through one login service. IP addresses take turns, so that an attack from one of them does
        # not delay all others.
        caller = f"{principal.key}/{ip or ''}"
        stored = credential.hash if credential else None
        if not await self._hashes.verify(caller, stored, password, bcrypt_hash) or user is None or credential is None:
            return Verified(valid=False)
        await self._credentials.forget_attempts(principal.tenant, list(limits))
        # The block is only reported with the right password: otherwise anyone could find out who is blocked.
        if user.blocked:
            raise Refused(ErrorCode.USER_BLOCKED, "The user is blocked.")
        if self._hashes.is_outdated(credential.hash):
            hash = await self._hashes.hash(caller, password)
            await self._credentials.upgrade(principal.tenant, account, credential.hash, hash)
        return Verified(valid=True, user=user)

    @requires(SEND_ACCOUNT_MAIL)
    async def send_reset(self, principal: Principal | None, rule: Rule, target: Target) -> User:
        """Sends a ticket for a new password to the user's e-mail address.

        Raises what `Writes.begin` and `Writes.commit` raise, and Refused with NOT_EDITABLE, RATE_LIMITED or
        MAIL_UNAVAILABLE.
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
        limits = _attempt_limits(f"account:{user.id}", "current")
        await self._count_attempts(user.tenant, limits)
        if await self._hashes.verify(caller.key, credential.hash if credential else None, password):
            await self._credentials.forget_attempts(user.tenant, list(limits))
            return
        # The event has no reason: the reason in the input is for a change that did not happen.
        await self._writes.record(replace(opened, target=Target()), Changes(LogEventType.PASSWORD_CHANGE_FAILED, {}))
        raise Refused(ErrorCode.INVALID_INPUT, "This is not the current password.", ("currentPassword",))

    def _check_new(self, user: User, password: str, path: str) -> None:
        """Raises PasswordRefused for reasons that can be found without much work."""
        check_form(password, self.min_length(user.tenant), path)
        check_content(password, identifiers_of(user), path)

    async def _hash(self, caller: str, user: User, password: str, path: str) -> str:
        problem = await self._hashes.find_problem(caller, password, guessable_words(user, self._product))
        if problem is not None:
            raise PasswordRefused(problem, path)
        return await self._hashes.hash(caller, password)

    async def _count_change(self, user: User) -> None:
        """Counts a change of the password. Raises Refused with RATE_LIMITED when there were too many."""
        # It is counted before the hash, and also when the change fails, because each attempt costs a hash.
        if await self._credentials.count_change(user.tenant, user.id, now()) > MAX_PASSWORD_CHANGES:
            limit = f"at most {MAX_PASSWORD_CHANGES} times an hour"
            message = f"The password of a user can be set or checked {limit}. Try again later."
            raise Refused(ErrorCode.RATE_LIMITED, message)

    async def _count_attempts(self, tenant: str, limits: dict[str, int]) -> None:
        """Counts an attempt under each key. Raises Refused with RATE_LIMITED when a limit is exceeded."""
        # It is counted before the password is verified: otherwise many attempts at the same moment would all pass.
        for key, limit in limits.items():
            if await self._credentials.count_attempt(tenant, key, now()) > limit:
                message = "Too many wrong passwords. Try again after 15 minutes."
                raise Refused(ErrorCode.RATE_LIMITED, message)


def _check_typed(password: str, path: str) -> None:
    """Raises Refused with INVALID_INPUT for a text that cannot be a password, before it costs a hash."""
    if not 1 <= len(password) <= MAX_TYPED:
        raise Refused(ErrorCode.INVALID_INPUT, f"The password must have 1 to {MAX_TYPED} characters.", (path,))


def _attempt_limits(subject: str, place: str) -> dict[str, int]:
    """Returns the keys under which one attempt is counted, each with its limit. `place` is an IP address, or "current"
    for the current password in a change.
    """
    # The limit without the place is higher. It stops an attacker who has many IP addresses.
    return {f"{subject}:{place}": MAX_TRIES, subject: MAX_TRIES_FROM_ANYWHERE}


def _unknown_key(connection: str, identifier: str) -> str:
    """Returns the key under which attempts for an identifier without an account are counted."""
    # Only the SHA-256 is stored: users sometimes type their password into the field of the identifier.
    return sha256(f"{connection}:{fold(identifier)}".encode("utf-8", "replace")).hexdigest()
