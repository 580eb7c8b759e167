"""E-mail addresses of users: sends verification mails, and changes e-mail addresses."""

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
    """Use cases of e-mail addresses. They refuse accounts of external providers, which own the e-mail address."""

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
        """Sends a ticket that verifies the user's e-mail address.

        Raises what `Writes.begin` and `Writes.commit` raise, and Refused with RATE_LIMITED or MAIL_UNAVAILABLE, or with
        NOT_EDITABLE when there is no e-mail address that this service could verify.
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
        """Changes the e-mail address. The new address becomes valid when its ticket is redeemed.

        With `immediately`, which users may not set for their own profile, it becomes valid at once, and can be
        `verified`. The current address as `email` cancels a pending change. Raises what `Writes.begin` and
        `Writes.commit` raise, and Refused with INVALID_INPUT, NOT_EDITABLE, FORBIDDEN_FIELD, RATE_LIMITED,
        MAIL_UNAVAILABLE, and for applications with ALREADY_EXISTS.
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
            # Users must not learn that an e-mail address has an account. They get the usual answer, and the owner of
            # the address gets a mail.
            if other is not None and not is_self:
                raise taken(["email"])
            if immediately:
                return _change_now(user, new_email, verified)
            if new_email == user.email:
                withdrawn = (RevokeTickets(),) if user.pending_email else ()
                return Changes(LogEventType.EMAIL_CHANGE_REQUESTED, {"pending_email": None}, withdrawn)
            return _request_change(user, new_email, other, version)

        return await self._writes.commit(opened, decide)


def _check_how(is_self: bool, immediately: bool, verified: bool) -> None:
    if is_self and (immediately or verified):
        message = (
            "Users cannot set this for their own e-mail address. Leave it out: the new address is verified by mail."
        )
        raise Refused(ErrorCode.FORBIDDEN_FIELD, message, ("immediately" if immediately else "verified",))
    if verified and not immediately:
        message = "verified requires immediately: true. Otherwise the ticket in the mail verifies the address."
        raise Refused(ErrorCode.INVALID_INPUT, message, ("verified",))


def _change_now(user: User, new_email: str, verified: bool) -> Changes:
    is_same = user.email is not None and fold(new_email) == fold(user.email)
    # `verified` is false by default. The same e-mail address must not lose its verification by this default.
    fields = {
        "email": new_email,
        "email_verified": verified or (is_same and user.email_verified),
        "pending_email": None,
    }
    side_effects: tuple[SideEffect, ...] = () if new_email == user.email else (RevokeTickets(), *notify_of_change(user))
    return Changes(LogEventType.EMAIL_CHANGED, fields, side_effects)


def _request_change(user: User, new_email: str, other: User | None, version: int) -> Changes:
    put, send = issue(user, TicketPurpose.CHANGE_EMAIL, new_email, version, ("email",))
    if other is not None:
        # The pending change and its ticket exist as usual, but this mail has no link, so no user can redeem the ticket.
        send = SendMail(to_mail(other, new_email, MailTemplate.EMAIL_TAKEN), ("email",))
    side_effects: tuple[SideEffect, ...] = (put, send)
    if user.email is not None:
        notice = to_mail(user, user.email, MailTemplate.EMAIL_CHANGE_ASKED)
        side_effects += (SendMail(notice, is_notice=True),)
    return Changes(LogEventType.EMAIL_CHANGE_REQUESTED, {"pending_email": new_email}, side_effects)
