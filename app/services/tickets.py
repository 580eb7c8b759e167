"""Tickets: issued with the mail that carries them, and redeemed."""

from collections.abc import Awaitable, Callable
from hashlib import sha256

from app.domain.devices import RevokeDevices
from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key
from app.domain.logs import LogEventType
from app.domain.mail import Mail, MailTemplate, SendMail, greeting_of, language_of
from app.domain.passwords import SetPassword, version_of
from app.domain.principals import ActorKind, Principal, Source
from app.domain.tickets import LIFETIMES, NO_GOOD, PutTicket, SpendTicket, Ticket, TicketPurpose, VoidTickets
from app.domain.times import now
from app.domain.users import Beside, Changes, User
from app.services.changes import ProfileChanges
from app.store.database import new_id
from app.store.passwords import Passwords as StoredPasswords
from app.store.tickets import Tickets as StoredTickets
from app.store.users import Users

_MAX_SECRET = 200
_TEMPLATES = {
    TicketPurpose.VERIFY_EMAIL: MailTemplate.VERIFY_EMAIL,
    TicketPurpose.CHANGE_EMAIL: MailTemplate.CHANGE_EMAIL,
    TicketPurpose.RESET_PASSWORD: MailTemplate.RESET_PASSWORD,
}

# From the caller's key, user, password and path to the hash; raises PasswordRefused for one that is not accepted.
Choose = Callable[[str, User, str, str], Awaitable[str]]


def hash_of(secret: str) -> str:
    """SHA-256 in hexadecimal: all that is kept of a ticket's secret."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def issue(
    user: User, purpose: TicketPurpose, address: str, credential_version: int, path: tuple[str, ...] | None
) -> tuple[Beside, ...]:
    """A ticket and the mail that brings it. `path` is as SendMail's."""
    at = now()
    ticket = Ticket(
        id=new_id(),
        tenant=user.tenant,
        user=user.id,
        purpose=purpose,
        address=address,
        credential_version=credential_version,
        language=language_of(user),
        expires_at=at + LIFETIMES[purpose],
    )
    return PutTicket(ticket), SendMail(to_mail(user, address, _TEMPLATES[purpose], ticket.id), path)


def to_mail(user: User, email: str, template: MailTemplate, ticket: Key | None = None) -> Mail:
    """A mail about this user's account, in their language."""
    return Mail(
        id=new_id(),
        tenant=user.tenant,
        user=user.id,
        email=email,
        template=template,
        language=language_of(user),
        greeting=greeting_of(user, email),
        ticket=ticket,
        recorded_at=now(),
    )


def as_themselves(user: User, source: Source) -> Principal:
    """The user, acting without a token: by a ticket, or by signing up."""
    return Principal(
        tenant=user.tenant,
        subject=user.user_id,
        kind=ActorKind.USER,
        scopes=frozenset(),
        profile=user.id,
        name=user.name,
        ip=source.ip,
        user_agent=source.user_agent,
    )


class Tickets:
    """Redeems them."""

    def __init__(
        self,
        changes: ProfileChanges,
        users: Users,
        tickets: StoredTickets,
        passwords: StoredPasswords,
        choose: Choose,
    ) -> None:
        self._changes = changes
        self._users = users
        self._tickets = tickets
        self._passwords = passwords
        self._choose = choose

    async def find(self, secret: str) -> Ticket | None:
        """The ticket, which stays what it is; None for one that is unknown, spent, void or past its time."""
        found = await self._standing(secret)
        return None if found is None else found[0]

    async def redeem(self, secret: str, new_password: str | None, source: Source) -> TicketPurpose:
        """Does what the ticket is for, once. `new_password` goes with RESET_PASSWORD.

        Refused with NOT_FOUND for one that is no good, whatever the cause; INVALID_INPUT for the password,
        USER_BLOCKED, ALREADY_EXISTS where the new address has become another's: then it can be redeemed again.
        """
        found = await self._standing(secret)
        if found is None:
            raise _no_good()
        ticket, user = found
        hash = None
        if ticket.purpose is TicketPurpose.RESET_PASSWORD:
            if new_password is None:
                raise Refused(ErrorCode.INVALID_INPUT, "This ticket is for a new password.", ("newPassword",))
            hash = await self._choose(source.key, user, new_password, "newPassword")
        elif new_password is not None:
            raise Refused(ErrorCode.INVALID_INPUT, "This ticket is for no password.", ("newPassword",))

        def decide(user: User) -> Changes:
            if not _is_bound(ticket, user):
                raise _no_good()
            if user.blocked:
                raise Refused(ErrorCode.USER_BLOCKED, "The user is blocked.")
            return _changes(ticket, user, hash)

        try:
            await self._changes.apply_to_own(as_themselves(user, source), decide)
        except Refused as refusal:
            if refusal.code in (ErrorCode.NOT_FOUND, ErrorCode.ALREADY_EXISTS):
                raise Refused(refusal.code, refusal.message, ("ticket",)) from None
            raise
        return ticket.purpose

    async def _standing(self, secret: str) -> tuple[Ticket, User] | None:
        if not 0 < len(secret) <= _MAX_SECRET:
            return None
        ticket = await self._tickets.find(hash_of(secret), now())
        if ticket is None:
            return None
        user = await self._users.find({"tenant": ticket.tenant, "_id": ticket.user})
        credential = await self._passwords.find(ticket.tenant, ticket.user)
        if user is None or version_of(credential) != ticket.credential_version or not _is_bound(ticket, user):
            return None
        return ticket, user


def _is_bound(ticket: Ticket, user: User) -> bool:
    """Whether the address that it went to is still the one that it is about."""
    return ticket.address == (user.pending_email if ticket.purpose is TicketPurpose.CHANGE_EMAIL else user.email)


def _changes(ticket: Ticket, user: User, hash: str | None) -> Changes:
    spend = SpendTicket(ticket.id)
    if ticket.purpose is TicketPurpose.VERIFY_EMAIL:
        return Changes(LogEventType.EMAIL_VERIFIED, {"email_verified": True}, (spend,))
    if ticket.purpose is TicketPurpose.CHANGE_EMAIL:
        fields = {"email": ticket.address, "email_verified": True, "pending_email": None}
        return Changes(LogEventType.EMAIL_CHANGED, fields, (spend, VoidTickets(), *told_of_change(user)))
    assert hash
    return set_password(hash, ticket.credential_version, must_change=False, before=(spend,))


def told_of_change(user: User) -> tuple[Beside, ...]:
    """What goes to the address that is theirs no more."""
    if user.email is None:
        return ()
    return (SendMail(to_mail(user, user.email, MailTemplate.EMAIL_CHANGED), is_notice=True),)


def set_password(hash: str, version: int, must_change: bool, before: tuple[Beside, ...] = ()) -> Changes:
    """A new password: devices go, and tickets with them. `version` is the credential's that it replaces."""
    fields = {"must_change_password": must_change, "last_password_reset": now()}
    beside = (*before, SetPassword(hash, version), RevokeDevices(), VoidTickets())
    return Changes(LogEventType.PASSWORD_CHANGED, fields, beside)


def _no_good() -> Refused:
    return Refused(ErrorCode.NOT_FOUND, NO_GOOD, ("ticket",))
