"""Putting demo data in, once."""

from collections.abc import Sequence
from typing import Any

from pymongo.errors import BulkWriteError

from app.domain.connections import AuthConnection
from app.domain.devices import Device
from app.domain.enrollments import Enrollment
from app.domain.grants import Grant
from app.domain.logs import LogEvent
from app.domain.users import User
from app.store.database import Database, driver_errors
from app.store.documents import document_of
from app.store.logs import to_document as event_to_document
from app.store.users import to_document

_DUPLICATE_KEY = 11000


async def is_filled_in(database: Database) -> bool:
    with driver_errors():
        return await database["meta"].find_one({"_id": "demo"}) is not None


async def fill_in(
    database: Database,
    connections: Sequence[AuthConnection],
    roles: Sequence[dict[str, Any]],
    users: Sequence[User],
    events: Sequence[LogEvent],
    devices: Sequence[Device],
    grants: Sequence[Grant],
    enrollments: Sequence[Enrollment],
) -> None:
    """What is there already is left as it is, so that one that was cut off, or two at once, end well."""
    with driver_errors():
        await _insert(database, "connections", [document_of(each) for each in connections])
        await _insert(database, "roles", roles)
        await _insert(database, "users", [to_document(each) for each in users])
        await _insert(database, "log_events", [event_to_document(each) for each in events])
        await _insert(database, "devices", [document_of(each) for each in devices])
        await _insert(database, "grants", [document_of(each) for each in grants])
        await _insert(database, "mfa_enrollments", [document_of(each) for each in enrollments])
        await database["meta"].update_one({"_id": "demo"}, {"$set": {"filled_in": True}}, upsert=True)


async def _insert(database: Database, collection: str, documents: Sequence[dict[str, Any]]) -> None:
    try:
        await database[collection].insert_many(documents, ordered=False)
    except BulkWriteError as error:
        if any(each["code"] != _DUPLICATE_KEY for each in (error.details or {}).get("writeErrors", ())):
            raise
