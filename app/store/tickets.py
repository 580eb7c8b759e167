"""Stored tickets. The database contains only the hashes of their secrets, so it does not help to redeem one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.domain.ids import Key
from app.domain.tickets import ConsumeTicket, PutTicket, RevokeTickets, Ticket, TicketPurpose
from app.domain.users import User
from app.store.database import Database, driver_errors
from app.store.errors import Gone
from app.store.inserts import record_of

# More than the number of attempts to send a mail.
_MAX_HASHES = 100


class TicketStore:
    """Finds tickets that can be redeemed, and gives them their secrets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_active(self, hash: str, at: datetime) -> Ticket | None:
        """Returns the ticket with this SHA-256 of one of its secrets, or None when there is none or it has expired."""
        # No tenant is known here. That is safe: a secret has 256 random bits and belongs to one ticket only.
        with driver_errors():
            found = await self._database["tickets"].find_one(
                {"$or": [{"hash": hash}, {"earlier_hashes": hash}], "expires_at": {"$gt": at}}
            )
        return None if found is None else _from_document(found)

    async def attach_secret(self, tenant: str, id: Key, hash: str) -> Ticket | None:
        """Adds the hash of a new secret to a ticket, for a mail that is about to be sent.

        Returns None when the ticket was consumed or revoked.
        """
        # Earlier secrets stay valid: the first mail may have arrived although its delivery was not confirmed.
        newest = {"$cond": [{"$ifNull": ["$hash", False]}, ["$hash"], []]}
        earlier = {"$concatArrays": [{"$ifNull": ["$earlier_hashes", []]}, newest]}
        new = {"hash": hash, "earlier_hashes": {"$slice": [earlier, -_MAX_HASHES]}}
        with driver_errors():
            found = await self._database["tickets"].find_one_and_update({"tenant": tenant, "_id": id}, [{"$set": new}])
        return None if found is None else _from_document(found)


async def put_ticket(database: Database, session: Any, user: User, given: PutTicket) -> None:
    """Stores a ticket and deletes the user's other tickets of the same purpose."""
    others = {"tenant": user.tenant, "user": user.id, "purpose": str(given.ticket.purpose)}
    await database["tickets"].delete_many(others, session=session)
    await database["tickets"].insert_one(to_document(given.ticket), session=session)


async def consume_ticket(database: Database, session: Any, user: User, given: ConsumeTicket) -> None:
    """Deletes a ticket. Raises Gone when it was already consumed or revoked."""
    where = {"tenant": user.tenant, "_id": given.id}
    if not (await database["tickets"].delete_one(where, session=session)).deleted_count:
        raise Gone(given)


async def revoke_tickets(database: Database, session: Any, user: User, given: RevokeTickets) -> None:
    await database["tickets"].delete_many({"tenant": user.tenant, "user": user.id}, session=session)


def to_document(ticket: Ticket) -> dict[str, Any]:
    """Returns the document of a ticket. The stored name of the e-mail address is `address`."""
    document = record_of(ticket)
    document["address"] = document.pop("email")
    return document


def _from_document(document: Mapping[str, Any]) -> Ticket:
    known = {**document, "id": document["_id"], "email": document["address"]}
    known["purpose"] = TicketPurpose(document["purpose"])
    del known["_id"], known["address"]
    known.pop("earlier_hashes", None)
    return Ticket(**known)
