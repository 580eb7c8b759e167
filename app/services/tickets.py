"""Tickets: finds a ticket by its secret, and redeems it."""

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
    """Returns the SHA-256 of a ticket's secret in hexadecimal. The secret itself is never stored."""
    # Who can read the database must not be able to redeem tickets.
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
        """Returns the ticket without redeeming it; None when it is unknown, redeemed, revoked or expired."""
        found = await self._find_active(secret)
        return None if found is None else found[0]

    async def redeem(self, secret: str, new_password: str | None, source: Source) -> TicketPurpose:
        """Redeems a ticket and returns its purpose. `new_password` is required for RESET_PASSWORD only.

        Raises Refused with NOT_FOUND when the ticket is not valid for any reason, with INVALID_INPUT for the
        password, with USER_BLOCKED, and with ALREADY_EXISTS when the new e-mail address now belongs to another user. A
        valid ticket stays valid when it is refused. Also raises what `hash_new_password` raises.
        """
        found = await self._find_active(secret)
        if found is None:
            raise _invalid_ticket()
        ticket, user = found
        hash = await self._hash(ticket, user, new_password, source)

        def decide(user: User) -> Changes:
            # The e-mail address may have changed since the ticket was found.
            if not _is_bound(ticket, user):
                raise _invalid_ticket()
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
        """Returns the hash of the new password, or None when the ticket has another purpose."""
        if ticket.purpose is TicketPurpose.RESET_PASSWORD:
            if new_password is None:
                raise Refused(ErrorCode.INVALID_INPUT, "newPassword is required for this ticket.", ("newPassword",))
            return await self._hash_new_password(source.key, user, new_password, "newPassword")
        if new_password is not None:
            raise Refused(
                ErrorCode.INVALID_INPUT, "This ticket does not set a password. Leave newPassword out.", ("newPassword",)
            )
        return None

    async def _find_active(self, secret: str) -> tuple[Ticket, User] | None:
        if not 0 < len(secret) <= _MAX_SECRET:
            return None
        ticket = await self._tickets.find_active(hash_of(secret), now())
        if ticket is None:
            return None
        user = await self._users.find(ticket.tenant, Eq("_id", ticket.user))
        credential = await self._credentials.find(ticket.tenant, ticket.user)
        # After a change of the password or e-mail address, tickets from before must not work any more.
        if user is None or version_of(credential) != ticket.credential_version or not _is_bound(ticket, user):
            return None
        return ticket, user


def _is_bound(ticket: Ticket, user: User) -> bool:
    """Returns whether the e-mail address that got the ticket is still the address that the ticket is about."""
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


def _invalid_ticket() -> Refused:
    # The answer is the same for every reason, so it does not show which secrets once existed.
    return Refused(ErrorCode.NOT_FOUND, INVALID_LINK, ("ticket",))
