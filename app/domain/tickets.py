"""Tickets: proof, by a link in a mail, that its reader has the e-mail address that it went to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.commits import SideEffect
from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key


class TicketPurpose(StrEnum):
    """What redeeming does."""

    VERIFY_EMAIL = "VERIFY_EMAIL"
    CHANGE_EMAIL = "CHANGE_EMAIL"
    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105


# The message is the same for an unknown, used, revoked or expired ticket, so that nobody can learn which secrets exist.
INVALID_LINK = "This link is no longer valid. Request a new one."
LIFETIMES = {
    TicketPurpose.VERIFY_EMAIL: timedelta(hours=24),
    TicketPurpose.CHANGE_EMAIL: timedelta(hours=24),
    TicketPurpose.RESET_PASSWORD: timedelta(hours=1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """Good for what it is bound to: `email` in lower case, and the version of the user's credential (0: none).

    Each attempt to send its mail makes a secret, which is kept nowhere; `hash` is the SHA-256 of the newest one, in
    hexadecimal.
    """

    id: Key
    tenant: str
    user: Key
    purpose: TicketPurpose
    email: str
    credential_version: int
    language: str
    expires_at: datetime
    hash: str | None = None


@dataclass(frozen=True, slots=True)
class PutTicket(SideEffect):
    """Issues it; the user's other tickets of its purpose are revoked."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class ConsumeTicket(SideEffect):
    """Redeems it once: whoever comes second finds none."""

    id: Key

    def refusal(self) -> Refused:
        return Refused(ErrorCode.NOT_FOUND, INVALID_LINK, ("ticket",))


@dataclass(frozen=True, slots=True)
class RevokeTickets(SideEffect):
    """Revokes every ticket of the user, whatever it is for."""
