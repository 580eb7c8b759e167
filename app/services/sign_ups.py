"""signUp: users create their own accounts, without a token."""

from collections.abc import Sequence
from dataclasses import replace

from app.domain.accounts import AccountIdentifiers, check_sign_up_metadata
from app.domain.commits import Changes, Commit
from app.domain.errors import ErrorCode, Refused
from app.domain.filters import Eq
from app.domain.identifiers import email_key, identifier_keys, keys_of
from app.domain.logs import LogEventType
from app.domain.mail import MailTemplate, SendMail, check_mail
from app.domain.principals import Source, as_themselves
from app.domain.tickets import TicketPurpose
from app.domain.users import AttributeSource, User
from app.services.new_accounts import NewAccounts, NewUser
from app.services.ticket_mails import issue, to_mail
from app.services.writes import AuthorizedWrite, Target, Writes, taken
from app.store.errors import Taken
from app.store.outbox import Outbox
from app.store.users import UserStore


class SignUps:
    """The use case of signUp. `tenants` are the tenants of this service.

    Without `can_mail`, a sign-up with an e-mail address is refused.
    """

    def __init__(
        self,
        writes: Writes,
        users: UserStore,
        outbox: Outbox,
        accounts: NewAccounts,
        tenants: Sequence[str],
        can_mail: bool = True,
    ) -> None:
        self._writes = writes
        self._users = users
        self._outbox = outbox
        self._accounts = accounts
        self._tenants = tenants
        self._can_mail = can_mail

    async def sign_up(self, tenant: str | None, new: NewUser, source: Source) -> None:
        """Creates an account and sends a mail that verifies its e-mail address.

        When the e-mail address or the username has an account, the result is the same, and a mail says so. Without an
        e-mail address, a username that is in use is refused with ALREADY_EXISTS. Raises Refused also with
        INVALID_INPUT, NOT_FOUND, NOT_EDITABLE, TOO_LARGE, MAIL_UNAVAILABLE, CONTENDED.
        """
        if tenant is None and len(self._tenants) > 1:
            raise Refused(
                ErrorCode.INVALID_INPUT, "This service has several tenants. Set tenant to one of them.", ("tenant",)
            )
        connection = await self._accounts.connection(tenant or self._tenants[0], new.connection)
        if not connection.allows_sign_up:
            message = f"Connection {connection.name} does not let users sign up."
            raise Refused(ErrorCode.NOT_EDITABLE, message, ("connection",))
        check_sign_up_metadata(new.user_metadata)
        account = self._accounts.check(connection, new, AttributeSource.USER)
        user, email = account.user, account.identifiers.email
        if email is not None:
            check_mail(self._can_mail, ("email",))
        # The password is hashed before the lookup, so that the answer takes equally long with and without an account.
        account = await self._accounts.with_password(account, connection, new, source.key)
        if account.password is None:
            raise Refused(
                ErrorCode.INVALID_INPUT, "Users of this connection need a password to sign up.", ("password",)
            )
        mail = issue(user, TicketPurpose.VERIFY_EMAIL, email, account.credential_version, None) if email else ()
        commit = self._accounts.to_commit(
            account, as_themselves(user, source), LogEventType.SIGNUP_SUCCEEDED, None, mail
        )
        owner = await self._find_owner(user)
        if owner is None:
            if await self._create(commit, user):
                return
            owner = await self._find_owner(user)
        await self._report_taken(owner, account.identifiers, user, source)

    async def _create(self, commit: Commit, user: User) -> bool:
        """Stores the account. Returns False when another user has one of its identifiers."""
        try:
            await self._writes.contention.run((user.tenant, user.user_id), lambda: self._writes.execute(commit))
        except Taken:
            return False
        return True

    async def _find_owner(self, wanted: User) -> User | None:
        """Returns the user who has the e-mail address, or else the user who has the username."""
        for key in identifier_keys(wanted):
            found = await self._users.find(wanted.tenant, Eq("keys", key))
            if found is not None:
                return found
        return None

    async def _report_taken(
        self, owner: User | None, identifiers: AccountIdentifiers, wanted: User, source: Source
    ) -> None:
        """Sends a mail to the owner of the e-mail address, or, for a username, to the given e-mail address.

        Raises Refused with ALREADY_EXISTS without an e-mail address, and with CONTENDED when the owner has disappeared.
        """
        # Anyone can call signUp, so the answer itself must not show whether an e-mail address has an account.
        if identifiers.email is None:
            raise taken(["username"])
        if owner is None:
            raise Refused(ErrorCode.CONTENDED, "Another sign-up changed the same account. Send the request again.")
        if email_key(wanted.identities[0].connection, identifiers.email) not in keys_of(owner):
            mail = replace(to_mail(wanted, identifiers.email, MailTemplate.NAME_TAKEN), user=owner.id)
            await self._outbox.put(mail)
            return
        mail = to_mail(owner, identifiers.email, MailTemplate.EMAIL_TAKEN)
        changes = Changes(LogEventType.SIGNUP_FAILED, {}, (SendMail(mail, None),))
        opened = AuthorizedWrite(as_themselves(owner, source), owner, None, Target())
        await self._writes.commit(opened, lambda _: changes)
