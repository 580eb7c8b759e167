"""The outbox: mails that wait to be sent, and counts of the mails to each user and each e-mail address."""

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
    """Mails that wait to be sent. A sender claims a mail for a limited time; afterwards another one may claim it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, mail: Mail) -> None:
        """Adds a mail that belongs to no change of a profile.

        Adds nothing when MAX_MAILS mails went to the recipient within MAIL_WINDOW.
        """
        try:
            async with self._database.transaction() as session:
                if await _count(self._database, session, mail, _email_key(mail)):
                    await _insert(self._database, session, mail)
        except Conflict:
            # Another mail to this recipient was counted at the same moment. One of the two is enough.
            return

    async def claim(
        self, at: datetime, lease: timedelta, longest: timedelta, busy: Collection[str] = ()
    ) -> tuple[Mail, int] | None:
        """Claims the next due mail. Returns the mail and the number of this attempt, from 1; None when no mail is due.

        No other sender can claim the mail before `at + lease`. Mails to a domain in `busy` are not claimed. No mail is
        ever due later than `longest` from now.
        """
        # When the clock is set back, mails that were postponed earlier would wait too long: they are due at once.
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
        """Deletes a mail that was sent, or that will never be sent."""
        with driver_errors():
            await self._database["mails"].delete_one({"tenant": mail.tenant, "_id": mail.id})

    async def postpone(self, mail: Mail, due_at: datetime) -> None:
        with driver_errors():
            where = {"tenant": mail.tenant, "_id": mail.id}
            await self._database["mails"].update_one(where, {"$set": {"due_at": due_at}})

    async def release(self, mail: Mail, attempt: int, due_at: datetime) -> None:
        """Takes back the claim that returned `attempt`, so that it does not count. Does nothing after a later claim."""
        with driver_errors():
            where = {"tenant": mail.tenant, "_id": mail.id, "tries": attempt}
            await self._database["mails"].update_one(where, {"$set": {"due_at": due_at}, "$inc": {"tries": -1}})


async def put_mail(database: Database, session: Any, user: User, given: SendMail) -> None:
    """Adds a mail to the outbox.

    When MAX_MAILS mails went to the user or to the e-mail address within MAIL_WINDOW, raises Full if `given` has a
    path, else adds nothing. A notice is always added.
    """
    mail = given.mail
    # A notice tells a user about a change of the account. Somebody who uses up the limit must not suppress it.
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
    """Returns the query for mails to recipients outside of these domains."""
    if not domains:
        return {}
    pattern = f"@({'|'.join(re.escape(each) for each in domains)})$"
    return {"address": {"$not": {"$regex": pattern, "$options": "i"}}}


def _email_key(mail: Mail) -> str:
    """Returns the key under which mails to this e-mail address are counted."""
    # Anybody can enter the e-mail address of somebody who has no account. The hash stores nothing about that person.
    return f"address:{sha256(fold(mail.email).encode()).hexdigest()}"


async def _count(database: Database, session: Any, mail: Mail, key: str) -> bool:
    """Counts a mail. Returns False, and counts nothing, when MAX_MAILS were counted within MAIL_WINDOW.

    Raises Conflict when another mail is counted under the key at the same moment.
    """
    counts, where = database["mail_counts"], {"tenant": mail.tenant, "key": key}
    found = await counts.find_one(where, session=session)
    # The absolute difference: after the clock was set back, times in the future must not count for long.
    times = [each for each in (found or {}).get("times", ()) if abs(mail.recorded_at - each) < MAIL_WINDOW]
    if len(times) >= MAX_MAILS:
        return False
    new = {"times": [*times, mail.recorded_at], "recorded_at": mail.recorded_at}
    try:
        await counts.update_one(where, {"$set": new}, upsert=True, session=session)
    except DuplicateKeyError:
        raise Conflict from None
    return True


def to_document(mail: Mail) -> dict[str, Any]:
    """Returns the document of a mail. The stored name of the recipient's e-mail address is `address`."""
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
