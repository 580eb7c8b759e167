"""Stored second factors."""

from typing import Any

from app.domain.enrollments import MAX_ENROLLMENTS, Enrollment, PutEnrollment, RemoveEnrollments
from app.domain.users import User
from app.store.database import Database, driver_errors
from app.store.errors import Full, Gone
from app.store.inserts import put_one_of, record_of


class EnrollmentStore:
    """What the login service enrolled."""

    def __init__(self, database: Database) -> None:
        self._enrollments = database["mfa_enrollments"]

    async def find(self, user: User, enrollment_id: str) -> Enrollment | None:
        with driver_errors():
            one = {"tenant": user.tenant, "user": user.id, "enrollment_id": enrollment_id}
            found = await self._enrollments.find_one(one)
        return None if found is None else _from_document(found)

    async def find_all(self, user: User) -> list[Enrollment]:
        """Of the user, and of what is linked to them."""
        with driver_errors():
            theirs = {"tenant": user.tenant, "user": {"$in": user.own()}}
            return [_from_document(each) for each in await self._enrollments.find(theirs).to_list(None)]

    async def touch(self, enrollment: Enrollment) -> None:
        """Writes when it was used last, and nothing else."""
        with driver_errors():
            one = {"tenant": enrollment.tenant, "_id": enrollment.id}
            await self._enrollments.update_one(one, {"$max": {"last_used_at": enrollment.last_used_at}})


async def put_enrollment(database: Database, session: Any, user: User, given: PutEnrollment) -> None:
    """Raises Full beyond MAX_ENROLLMENTS."""
    unique, document = ("tenant", "user", "enrollment_id"), record_of(given.enrollment)
    if not await put_one_of(database["mfa_enrollments"], session, document, unique, MAX_ENROLLMENTS):
        raise Full(given)


async def remove_enrollments(database: Database, session: Any, user: User, given: RemoveEnrollments) -> None:
    theirs = {"tenant": user.tenant, "user": {"$in": user.own()}, "_id": {"$in": list(given.ids)}}
    removed = (await database["mfa_enrollments"].delete_many(theirs, session=session)).deleted_count
    if removed < len(given.ids):
        raise Gone(given)


def _from_document(document: dict[str, Any]) -> Enrollment:
    absent: dict[str, Any] = dict.fromkeys(("name", "enrolled_at", "last_used_at"))
    known = absent | document
    return Enrollment(id=known.pop("_id"), **known)
