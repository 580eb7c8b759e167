"""Accounts: the use cases of createUser and deleteUser."""

from app.domain.accounts import IDENTIFIERS
from app.domain.commits import Changes, Commit, ProfileWrite, SideEffect
from app.domain.errors import ErrorCode, Refused
from app.domain.logs import LogEventType, check_reason
from app.domain.mail import check_mail
from app.domain.principals import Principal
from app.domain.rules import CREATE_USERS, DELETE_USER, UPDATE_APP_METADATA, Rule
from app.domain.tickets import TicketPurpose
from app.domain.users import AttributeSource, User
from app.policy.rules import require_scopes
from app.services.callers import Callers
from app.services.new_accounts import NewAccounts, NewUser
from app.services.ticket_mails import issue
from app.services.use_cases import requires
from app.services.writes import AuthorizedWrite, Target, Writes, taken
from app.store.errors import Taken


class Accounts:
    """Creates and deletes accounts. Without `can_mail`, a request that would send mail is refused."""

    def __init__(self, writes: Writes, callers: Callers, accounts: NewAccounts, can_mail: bool = True) -> None:
        self._writes = writes
        self._callers = callers
        self._accounts = accounts
        self._can_mail = can_mail

    @requires(CREATE_USERS)
    async def create(self, principal: Principal | None, rule: Rule, new: NewUser) -> User:
        """Creates an account and returns its profile. Raises Forbidden, and Refused with INVALID_INPUT, NOT_FOUND,
        NOT_EDITABLE, ALREADY_EXISTS, TOO_LARGE, CONTENDED, MAIL_UNAVAILABLE, or RATE_LIMITED when too many mails were
        sent to the user.
        """
        caller = await self._callers.authorize(principal, rule)
        # A caller who may create users must not give them rights by app_metadata without the scope for app_metadata.
        if new.app_metadata is not None:
            require_scopes(caller, UPDATE_APP_METADATA)
        check_reason(new.reason)
        connection = await self._accounts.connection(caller.tenant, new.connection)
        account = self._accounts.check(connection, new, AttributeSource.ADMIN)
        user = account.user
        if new.send_verification_email:
            if user.email is None or user.email_verified:
                message = "There is no e-mail address to verify: email is missing or already verified."
                raise Refused(ErrorCode.INVALID_INPUT, message, ("sendVerificationEmail",))
            check_mail(self._can_mail, ("sendVerificationEmail",))
        account = await self._accounts.with_password(account, connection, new, caller.key)
        mail: tuple[SideEffect, ...] = ()
        if new.send_verification_email and user.email is not None:
            path = ("sendVerificationEmail",)
            mail = issue(user, TicketPurpose.VERIFY_EMAIL, user.email, account.credential_version, path)
        commit = self._accounts.to_commit(account, caller, LogEventType.USER_CREATED, new.reason, mail)

        async def attempt() -> User:
            # Hashing takes time, and the caller may have been blocked since the request began.
            await self._callers.confirm(caller)
            await self._writes.execute(commit)
            return user

        try:
            return await self._writes.contention.run((user.tenant, user.user_id), attempt)
        except Taken:
            given = account.identifiers
            raise taken(name for name in IDENTIFIERS if getattr(given, name)) from None

    @requires(DELETE_USER)
    async def delete(self, principal: Principal | None, rule: Rule, target: Target, erase: bool) -> str:
        """Deletes the account and the accounts that are linked to it, and returns its `user_id`.

        The history stays until it expires. With `erase`, all data about the person is removed from the history. Raises
        what `Writes.begin` raises, and Refused with CONTENDED.
        """

        async def attempt(opened: AuthorizedWrite) -> str:
            user, reason = opened.user, opened.target.reason
            event = self._writes.events.of_profile(opened.caller, user, Changes(LogEventType.USER_DELETED, {}), reason)
            await self._writes.execute(Commit((ProfileWrite(user, None, erase=erase),), (event,)))
            return user.user_id

        return await self._writes.retry(await self._writes.begin(principal, rule, target), attempt)
