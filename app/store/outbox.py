"""The outbox: mails that wait to be sent, and how many each user and each e-mail address got."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.domain.identifiers import fold
from app.domain.mail import MAIL_WINDOW, MAX_MAILS, Mail, MailTemplate, SendMail
from app.domain.users import User
from app.store.database import Database, driver_errors
from app.store.errors import Conflict, Full
from app.store.inserts import record_of


class Outbox:
    """Each mail is claimed by one sender at a time; one that dies leaves it to the next."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, mail: Mail) -> None:
        """Adds a mail that no change causes. Adds nothing when its recipient had MAX_MAILS within MAIL_WINDOW."""
        try:
            async with self._database.transaction() as session:
                if await _count(self._database, session, mail, _email_key(mail)):
                    await _insert(self._database, session, mail)
        except Conflict:
            # Another mail to this recipient was counted at the same moment.
            return

    async def claim(
        self, at: datetime, lease: timedelta, longest: timedelta, busy: Collection[str] = ()
    ) -> tuple[Mail, int] | None:
        """The mail that is due first, and which try this is; nobody else claims it before `at + lease`.

        No mail to a domain in `busy` is claimed. No mail waits longer than `longest`: one that would was put off before
        the clock was set back.
        """
        is_due = {"$or": [{"due_at": {"$lte": at}}, {"due_at": {"$gt": at + longest}}]}
        with driver_errors():
            found = await self._database["mails"].find_one_and_update(
                is_due | _to_others(busy),
                {"$set": {"due_at": at + lease}, "$inc": {"tries": 1}},
                sort=[("due_at", 1)],
                return_document=ReturnDocument.AFTER,
            )
        return None if found is None else (_from_document(found), found["tries"])

    async def remove(self, mail: Mail) -> None:
        """It was sent, or never will be."""
        with driver_errors():
            await self._database["mails"].delete_one({"tenant": mail.tenant, "_id": mail.id})

    async def put_off(self, mail: Mail, due_at: datetime) -> None:
        with driver_errors():
            one = {"tenant": mail.tenant, "_id": mail.id}
            await self._database["mails"].update_one(one, {"$set": {"due_at": due_at}})

    async def release(self, mail: Mail, tries: int, due_at: datetime) -> None:
        """Takes back the claim that returned `tries`: it was no try. Another claim that came later is kept."""
        with driver_errors():
            one = {"tenant": mail.tenant, "_id": mail.id, "tries": tries}
            await self._database["mails"].update_one(one, {"$set": {"due_at": due_at}, "$inc": {"tries": -1}})


async def put_mail(database: Database, session: Any, user: User, given: SendMail) -> None:
    """Raises Full when the user or the address had MAX_MAILS, unless the mail is then left out."""
    mail = given.mail
    if not given.is_notice:
        for key in (f"user:{user.id}", _email_key(mail)):
            if not await _count(database, session, mail, key):
                if given.path is None:
                    return
                raise Full(given)
    await _insert(database, session, mail)


async def _insert(database: Database, session: Any, mail: Mail) -> None:
    waiting = {"due_at": mail.recorded_at, "tries": 0}
    await database["mails"].insert_one(to_document(mail) | waiting, session=session)


def _to_others(domains: Collection[str]) -> dict[str, Any]:
    """The condition for mails to recipients outside of these domains."""
    if not domains:
        return {}
    pattern = f"@({'|'.join(re.escape(each) for each in domains)})$"
    return {"address": {"$not": {"$regex": pattern, "$options": "i"}}}


def _email_key(mail: Mail) -> str:
    """Anybody can enter an e-mail address of someone else: the counts hold only its hash."""
    return f"address:{sha256(fold(mail.email).encode()).hexdigest()}"


async def _count(database: Database, session: Any, mail: Mail, key: str) -> bool:
    """Whether there is room for one more. Raises Conflict for the second of two that count at once."""
    counts, one = database["mail_counts"], {"tenant": mail.tenant, "key": key}
    found = await counts.find_one(one, session=session)
    times = [each for each in (found or {}).get("times", ()) if abs(mail.recorded_at - each) < MAIL_WINDOW]
    if len(times) >= MAX_MAILS:
        return False
    new = {"times": [*times, mail.recorded_at], "recorded_at": mail.recorded_at}
    try:
        await counts.update_one(one, {"$set": new}, upsert=True, session=session)
    except DuplicateKeyError:
        raise Conflict from None
    return True


def to_document(mail: Mail) -> dict[str, Any]:
    """The stored name of the recipient is `address`."""
    document = record_of(mail)
    document["address"] = document.pop("email")
    return document


def _from_document(document: Mapping[str, Any]) -> Mail:
    return Mail(
        id=document["_id"],
        tenant=document["tenant"],
        user=document["user"],
        email=document["address"],
        template=MailTemplate(document["template"]),
        language=document["language"],
        greeting=document.get("greeting"),
        ticket=document.get("ticket"),
        recorded_at=document["recorded_at"],
    )
