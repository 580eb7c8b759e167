"""Inserts the demo data once. The caller gives every object the same id each time."""

from collections.abc import Sequence
from typing import Any

from app.domain.connections import AuthConnection
from app.domain.devices import Device
from app.domain.enrollments import Enrollment
from app.domain.grants import Grant
from app.domain.logs import LogEvent
from app.domain.users import User
from app.store.commits import put_missing_users
from app.store.database import Database, driver_errors
from app.store.inserts import insert_missing, record_of
from app.store.logs import to_document as event_to_document


async def has_demo_data(database: Database) -> bool:
    with driver_errors():
        return await database["meta"].find_one({"_id": "demo"}) is not None


async def insert_demo_data(
    database: Database,
    connections: Sequence[AuthConnection],
    roles: Sequence[dict[str, Any]],
    users: Sequence[User],
    events: Sequence[LogEvent],
    devices: Sequence[Device],
    grants: Sequence[Grant],
    enrollments: Sequence[Enrollment],
) -> None:
    """Inserts the objects that do not exist yet. Existing objects stay as they are."""
    # An insertion may be cut off and run again, and two processes may insert at the same time. So objects with these
    # ids may exist, and the mark that ends the work is written last.
    with driver_errors():
        await insert_missing(database, "connections", [record_of(each) for each in connections])
        await insert_missing(database, "roles", roles)
        await put_missing_users(database, users)
        await insert_missing(database, "log_events", [event_to_document(each) for each in events])
        await insert_missing(database, "devices", [record_of(each) for each in devices])
        await insert_missing(database, "grants", [record_of(each) for each in grants])
        await insert_missing(database, "mfa_enrollments", [record_of(each) for each in enrollments])
        await database["meta"].update_one({"_id": "demo"}, {"$set": {"filled_in": True}}, upsert=True)
