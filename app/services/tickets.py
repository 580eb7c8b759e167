"""Tickets: looked up by their secret, and redeemed."""

from dataclasses import replace
from hashlib import sha256

from app.domain.commits import Changes
from app.domain.errors import ErrorCode, Refused
from app.domain.filters import Eq
from app.domain.logs import LogEventType
from app.domain.passwords import HashNewPassword, password_changes, version_of
from app.domain.principals import Source, as_themselves
from app.domain.tickets import INVALID_LINK, ConsumeTicket, RevokeTickets, Ticket, TicketPurpose
from app.domain.times import now
from app.domain.users import User
from app.services.ticket_mails import notify_of_change
from app.services.writes import AuthorizedWrite, Target, Writes
from app.store.passwords import CredentialStore
from app.store.tickets import TicketStore
from app.store.users import UserStore

_MAX_SECRET = 200


def hash_of(secret: str) -> str:
    """SHA-256 in hexadecimal: all that is kept of a ticket's secret."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


class Tickets:
    """Redeems tickets. `hash_new_password` checks and hashes a new password."""

    def __init__(
        self,
        writes: Writes,
        users: UserStore,
        tickets: TicketStore,
        credentials: CredentialStore,
        hash_new_password: HashNewPassword,
    ) -> None:
        self._writes = writes
        self._users = users
        self._tickets = tickets
        self._credentials = credentials
        self._hash_new_password = hash_new_password

    async def find(self, secret: str) -> Ticket | None:
        """The ticket, unchanged. Returns None for one that is unknown, redeemed, revoked or expired."""
        found = await self._find_active(secret)
        return None if found is None else found[0]

    async def redeem(self, secret: str, new_password: str | None, source: Source) -> TicketPurpose:
        """Does what the ticket is for, once. `new_password` goes with RESET_PASSWORD.

        Refused with NOT_FOUND for a ticket that is no good, whatever the cause; INVALID_INPUT for the password,
        USER_BLOCKED, ALREADY_EXISTS where the new address has become another's: then it can be redeemed again.
        """
        found = await self._find_active(secret)
        if found is None:
            raise _no_good()
        ticket, user = found
        hash = await self._hash(ticket, user, new_password, source)

        def decide(user: User) -> Changes:
            if not _is_bound(ticket, user):
                raise _no_good()
            if user.blocked:
                raise Refused(ErrorCode.USER_BLOCKED, "The user is blocked.")
            return _changes(ticket, user, hash)

        try:
            await self._writes.commit(AuthorizedWrite(as_themselves(user, source), user, None, Target()), decide)
        except Refused as refusal:
            if refusal.code in (ErrorCode.NOT_FOUND, ErrorCode.ALREADY_EXISTS):
                raise Refused(refusal.code, refusal.message, ("ticket",)) from None
            raise
        return ticket.purpose

    async def _hash(self, ticket: Ticket, user: User, new_password: str | None, source: Source) -> str | None:
        """Of the new password, if the ticket is for one."""
        if ticket.purpose is TicketPurpose.RESET_PASSWORD:
            if new_password is None:
                raise Refused(ErrorCode.INVALID_INPUT, "This ticket is for a new password.", ("newPassword",))
            return await self._hash_new_password(source.key, user, new_password, "newPassword")
        if new_password is not None:
            raise Refused(ErrorCode.INVALID_INPUT, "This ticket is for no password.", ("newPassword",))
        return None

    async def _find_active(self, secret: str) -> tuple[Ticket, User] | None:
        if not 0 < len(secret) <= _MAX_SECRET:
            return None
        ticket = await self._tickets.find_active(hash_of(secret), now())
        if ticket is None:
            return None
        user = await self._users.find(ticket.tenant, Eq("_id", ticket.user))
        credential = await self._credentials.find(ticket.tenant, ticket.user)
        if user is None or version_of(credential) != ticket.credential_version or not _is_bound(ticket, user):
            return None
        return ticket, user


def _is_bound(ticket: Ticket, user: User) -> bool:
    """Whether the e-mail address that it went to is still the one that it is about."""
    return ticket.email == (user.pending_email if ticket.purpose is TicketPurpose.CHANGE_EMAIL else user.email)


def _changes(ticket: Ticket, user: User, hash: str | None) -> Changes:
    consume = ConsumeTicket(ticket.id)
    if ticket.purpose is TicketPurpose.VERIFY_EMAIL:
        return Changes(LogEventType.EMAIL_VERIFIED, {"email_verified": True}, (consume,))
    if ticket.purpose is TicketPurpose.CHANGE_EMAIL:
        fields = {"email": ticket.email, "email_verified": True, "pending_email": None}
        return Changes(LogEventType.EMAIL_CHANGED, fields, (consume, RevokeTickets(), *notify_of_change(user)))
    assert hash
    changes = password_changes(hash, ticket.credential_version, must_change=False)
    return replace(changes, side_effects=(consume, *changes.side_effects))


def _no_good() -> Refused:
    return Refused(ErrorCode.NOT_FOUND, INVALID_LINK, ("ticket",))
