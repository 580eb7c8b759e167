"""The e-mail addresses of users: how they are verified and changed."""

from app.domain.accounts import why_not_verifiable
from app.domain.commits import Changes, SideEffect
from app.domain.errors import ErrorCode, Refused
from app.domain.filters import Eq
from app.domain.identifiers import email_key, fold
from app.domain.logs import LogEventType
from app.domain.mail import MailTemplate, SendMail, check_mail
from app.domain.passwords import version_of
from app.domain.principals import Principal
from app.domain.rules import CHANGE_EMAIL, SEND_ACCOUNT_MAIL, Rule
from app.domain.tickets import RevokeTickets, TicketPurpose
from app.domain.users import User
from app.services.identifiers import check_changeable, primary_connection, read_email
from app.services.passwords import Passwords
from app.services.ticket_mails import issue, notify_of_change, to_mail
from app.services.use_cases import requires
from app.services.writes import Target, Writes, taken
from app.store.connections import ConnectionStore
from app.store.passwords import CredentialStore
from app.store.users import UserStore


class Emails:
    """Addresses that are kept here. Where a provider owns one it is changed with the provider."""

    def __init__(
        self,
        writes: Writes,
        users: UserStore,
        connections: ConnectionStore,
        credentials: CredentialStore,
        passwords: Passwords,
        can_mail: bool = True,
    ) -> None:
        self._writes = writes
        self._users = users
        self._connections = connections
        self._credentials = credentials
        self._passwords = passwords
        self._can_mail = can_mail

    @requires(SEND_ACCOUNT_MAIL)
    async def send_verification(self, principal: Principal | None, rule: Rule, target: Target) -> User:
        """Sends a ticket to the user's e-mail address. Raises what `Writes.commit` does; Refused with NOT_EDITABLE
        where there is nothing to verify here, RATE_LIMITED, MAIL_UNAVAILABLE.
        """
        opened = await self._writes.begin(principal, rule, target)
        user = opened.user
        connection = await primary_connection(self._connections, user)
        version = version_of(await self._credentials.find(user.tenant, user.id))

        def decide(user: User) -> Changes:
            check_changeable(connection, "email")
            refusal = why_not_verifiable(user.email, user.email_verified)
            if refusal:
                raise Refused(ErrorCode.NOT_EDITABLE, refusal.message, ("userId",))
            check_mail(self._can_mail)
            assert user.email
            mail = issue(user, TicketPurpose.VERIFY_EMAIL, user.email, version, ())
            return Changes(LogEventType.VERIFICATION_EMAIL_REQUESTED, {}, mail)

        return await self._writes.commit(opened, decide)

    @requires(CHANGE_EMAIL)
    async def change(
        self,
        principal: Principal | None,
        rule: Rule,
        target: Target,
        email: str,
        immediately: bool,
        verified: bool,
        current_password: str | None,
    ) -> User:
        """The new e-mail address waits until its ticket is redeemed; a tool's `immediately` does not wait, and may
        say that it is `verified`. The present one withdraws what waits.

        A user is never told that an e-mail address has an account: its owner is, by mail. Raises what `Writes.commit`
        does; Refused with NOT_EDITABLE, FORBIDDEN_FIELD, ALREADY_EXISTS (to a tool), RATE_LIMITED, MAIL_UNAVAILABLE.
        """
        opened = await self._writes.begin(principal, rule, target, temporary=False)
        user, is_self = opened.user, opened.caller.is_self(opened.user.id)
        connection = check_changeable(await primary_connection(self._connections, user), "email")
        if not (immediately or self._can_mail) and read_email(email) != user.email:
            check_mail(self._can_mail, ("email",))
        self._writes.check_temporary(opened)
        new_email = read_email(email)
        _check_how(is_self, immediately, verified)
        if current_password is not None:
            await self._passwords.check_current(opened, current_password)
        owner = await self._users.find(user.tenant, Eq("keys", email_key(connection.name, new_email)))
        version = version_of(await self._credentials.find(user.tenant, user.id))

        def decide(user: User) -> Changes:
            other = owner if owner is not None and owner.id != user.id else None
            if other is not None and not is_self:
                raise taken(["email"])
            if immediately:
                return _at_once(user, new_email, verified)
            if new_email == user.email:
                withdrawn = (RevokeTickets(),) if user.pending_email else ()
                return Changes(LogEventType.EMAIL_CHANGE_REQUESTED, {"pending_email": None}, withdrawn)
            return _pending(user, new_email, other, version)

        return await self._writes.commit(opened, decide)


def _check_how(is_self: bool, immediately: bool, verified: bool) -> None:
    if is_self and (immediately or verified):
        message = "Users' own new e-mail addresses wait until they are verified."
        raise Refused(ErrorCode.FORBIDDEN_FIELD, message, ("immediately" if immediately else "verified",))
    if verified and not immediately:
        message = "verified goes with immediately: an e-mail address that waits is verified by its ticket."
        raise Refused(ErrorCode.INVALID_INPUT, message, ("verified",))


def _at_once(user: User, new_email: str, verified: bool) -> Changes:
    is_same = user.email is not None and fold(new_email) == fold(user.email)
    # `verified` is false when it is left out, and that must not take the proof of the same e-mail address away.
    fields = {
        "email": new_email,
        "email_verified": verified or (is_same and user.email_verified),
        "pending_email": None,
    }
    side_effects: tuple[SideEffect, ...] = () if new_email == user.email else (RevokeTickets(), *notify_of_change(user))
    return Changes(LogEventType.EMAIL_CHANGED, fields, side_effects)


def _pending(user: User, new_email: str, other: User | None, version: int) -> Changes:
    put, send = issue(user, TicketPurpose.CHANGE_EMAIL, new_email, version, ("email",))
    if other is not None:
        # The ticket is there all the same, and its secret nowhere: nobody can redeem it.
        send = SendMail(to_mail(other, new_email, MailTemplate.EMAIL_TAKEN), ("email",))
    side_effects: tuple[SideEffect, ...] = (put, send)
    if user.email is not None:
        asked = to_mail(user, user.email, MailTemplate.EMAIL_CHANGE_ASKED)
        side_effects += (SendMail(asked, is_notice=True),)
    return Changes(LogEventType.EMAIL_CHANGE_REQUESTED, {"pending_email": new_email}, side_effects)
