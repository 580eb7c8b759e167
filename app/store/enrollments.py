"""Stored second factors."""

from typing import Any

from app.domain.enrollments import MAX_ENROLLMENTS, Enrollment, PutEnrollment, RemoveEnrollments
from app.domain.users import User
from app.store.database import Database, driver_errors
from app.store.errors import Full, Gone
from app.store.inserts import record_of, upsert_within_limit


class EnrollmentStore:
    """Finds second factors that the login service enrolled, and writes when they were used."""

    def __init__(self, database: Database) -> None:
        self._enrollments = database["mfa_enrollments"]

    async def find(self, user: User, enrollment_id: str) -> Enrollment | None:
        """Finds an enrollment of the profile itself, not of a linked profile."""
        with driver_errors():
            where = {"tenant": user.tenant, "user": user.id, "enrollment_id": enrollment_id}
            found = await self._enrollments.find_one(where)
        return None if found is None else _from_document(found)

    async def find_all(self, user: User) -> list[Enrollment]:
        """Returns all enrollments of the user, those of linked profiles included."""
        with driver_errors():
            where = {"tenant": user.tenant, "user": {"$in": user.profile_ids()}}
            return [_from_document(each) for each in await self._enrollments.find(where).to_list(None)]

    async def touch(self, enrollment: Enrollment) -> None:
        """Writes only the time of the last use. An earlier time than the stored one changes nothing."""
        with driver_errors():
            where = {"tenant": enrollment.tenant, "_id": enrollment.id}
            await self._enrollments.update_one(where, {"$max": {"last_used_at": enrollment.last_used_at}})


async def put_enrollment(database: Database, session: Any, user: User, given: PutEnrollment) -> None:
    """Adds the enrollment, or updates the stored one with the same id. Raises Full beyond MAX_ENROLLMENTS."""
    unique, document = ("tenant", "user", "enrollment_id"), record_of(given.enrollment)
    if not await upsert_within_limit(database["mfa_enrollments"], session, document, unique, MAX_ENROLLMENTS):
        raise Full(given)


async def remove_enrollments(database: Database, session: Any, user: User, given: RemoveEnrollments) -> None:
    """Raises Gone when one of the enrollments does not exist. Then none is removed."""
    where = {"tenant": user.tenant, "user": {"$in": user.profile_ids()}, "_id": {"$in": list(given.ids)}}
    removed = (await database["mfa_enrollments"].delete_many(where, session=session)).deleted_count
    # The exception also takes back the deletions above, because they belong to the transaction.
    if removed < len(given.ids):
        raise Gone(given)


def _from_document(document: dict[str, Any]) -> Enrollment:
    # Empty fields are not stored, but the dataclass requires them.
    absent: dict[str, Any] = dict.fromkeys(("name", "enrolled_at", "last_used_at"))
    known = absent | document
    return Enrollment(id=known.pop("_id"), **known)
