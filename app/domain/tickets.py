"""Tickets: links in mails. Whoever opens the link proves that they can read mail to the e-mail address."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.commits import SideEffect
from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key


class TicketPurpose(StrEnum):
    """The action when a ticket is redeemed."""

    VERIFY_EMAIL = "VERIFY_EMAIL"
    CHANGE_EMAIL = "CHANGE_EMAIL"
    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105


# The message is the same for an unknown, used, revoked or expired ticket, so that nobody can learn which secrets exist.
INVALID_LINK = "This link is no longer valid. Request a new one."
# The texts of the mails name these times too. A link for a new password gives access to the account, so its time is
# the shortest.
LIFETIMES = {
    TicketPurpose.VERIFY_EMAIL: timedelta(hours=24),
    TicketPurpose.CHANGE_EMAIL: timedelta(hours=24),
    TicketPurpose.RESET_PASSWORD: timedelta(hours=1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A stored ticket. It is only valid while the user has this e-mail address (or pending one) and this credential.

    `email` is in lower case. `credential_version` is 0 if the user has no password. Each attempt to send the mail makes
    a new secret, which is not stored; `hash` is the SHA-256 of the newest secret in hexadecimal.
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
    """Stores a ticket, and revokes the user's other tickets with the same purpose."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class ConsumeTicket(SideEffect):
    """Deletes a ticket that is being redeemed, so that it works only once."""

    id: Key

    def refusal(self) -> Refused:
        return Refused(ErrorCode.NOT_FOUND, INVALID_LINK, ("ticket",))


@dataclass(frozen=True, slots=True)
class RevokeTickets(SideEffect):
    """Revokes all tickets of the user."""
