"""Tickets as documents: hashes alone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key
from app.domain.tickets import NO_GOOD, PutTicket, SpendTicket, Ticket, TicketPurpose, VoidTickets
from app.domain.users import User
from app.store.database import Database, driver_errors
from app.store.documents import document_of

# More than there are attempts to send one mail.
_MAX_HASHES = 100


class Tickets:
    """Those that stand."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, hash: str, at: datetime) -> Ticket | None:
        """By the SHA-256 of one of its secrets, which no two tickets of any tenant share; None past its time."""
        with driver_errors():
            found = await self._database["tickets"].find_one(
                {"$or": [{"hash": hash}, {"earlier_hashes": hash}], "expires_at": {"$gt": at}}
            )
        return None if found is None else _from_document(found)

    async def arm(self, tenant: str, id: Key, hash: str) -> Ticket | None:
        """Gives a ticket the secret of the mail that is about to be sent; None when the ticket is void by now.

        Earlier secrets stay valid: a mail is sent again when nobody knows whether it was delivered.
        """
        newest = {"$cond": [{"$ifNull": ["$hash", False]}, ["$hash"], []]}
        earlier = {"$concatArrays": [{"$ifNull": ["$earlier_hashes", []]}, newest]}
        new = {"hash": hash, "earlier_hashes": {"$slice": [earlier, -_MAX_HASHES]}}
        with driver_errors():
            found = await self._database["tickets"].find_one_and_update({"tenant": tenant, "_id": id}, [{"$set": new}])
        return None if found is None else _from_document(found)


async def put_ticket(database: Database, session: Any, user: User, given: PutTicket) -> None:
    others = {"tenant": user.tenant, "user": user.id, "purpose": str(given.ticket.purpose)}
    await database["tickets"].delete_many(others, session=session)
    await database["tickets"].insert_one(document_of(given.ticket), session=session)


async def spend_ticket(database: Database, session: Any, user: User, given: SpendTicket) -> None:
    """Refused with NOT_FOUND where it was spent."""
    one = {"tenant": user.tenant, "_id": given.id}
    if not (await database["tickets"].delete_one(one, session=session)).deleted_count:
        raise Refused(ErrorCode.NOT_FOUND, NO_GOOD, ("ticket",))


async def void_tickets(database: Database, session: Any, user: User, given: VoidTickets) -> None:
    await database["tickets"].delete_many({"tenant": user.tenant, "user": user.id}, session=session)


def _from_document(document: Mapping[str, Any]) -> Ticket:
    known = {**document, "id": document["_id"], "purpose": TicketPurpose(document["purpose"])}
    del known["_id"]
    known.pop("earlier_hashes", None)
    return Ticket(**known)
