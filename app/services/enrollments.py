"""MFA enrollments: the login service records second factors, and applications and users remove them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.commits import Changes
from app.domain.enrollments import Enrollment, PutEnrollment, RemoveEnrollments, masked
from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key, decode_id
from app.domain.logs import LogEventType
from app.domain.principals import Principal
from app.domain.rules import CREATE_ENROLLMENTS, DELETE_ENROLLMENTS, Rule
from app.domain.users import User
from app.policy.rules import require_for_any_profile
from app.services.login_reports import check_text
from app.services.use_cases import requires
from app.services.writes import Target, Writes
from app.store.database import new_id
from app.store.enrollments import EnrollmentStore

KIND = "MfaEnrollment"
CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentReport:
    """The input of recordMfaEnrollment. None keeps the value of an earlier report."""

    enrollment_id: str
    type: str
    name: str | None
    status: str | None
    enrolled_at: datetime | None
    last_used_at: datetime | None


class Enrollments:
    """Use cases of second factors. This service stores which factors a user has; the login service stores secrets."""

    def __init__(self, writes: Writes, enrollments: EnrollmentStore) -> None:
        self._writes = writes
        self._enrollments = enrollments

    @requires(CREATE_ENROLLMENTS)
    async def record(self, principal: Principal | None, rule: Rule, target: Target, report: EnrollmentReport) -> Key:
        """Records or updates a second factor, and returns its `_id`. Its name is stored in masked form.

        Raises what `Writes.begin` and `Writes.commit` raise, and Refused with TOO_LARGE.
        """
        require_for_any_profile(principal, rule)
        for name, value in (
            ("enrollmentId", report.enrollment_id),
            ("type", report.type),
            ("name", report.name),
            ("status", report.status),
        ):
            check_text(value, name)
        opened = await self._writes.begin(principal, rule, target)
        user = opened.user
        known = await self._enrollments.find(user, report.enrollment_id)
        enrollment = Enrollment(
            id=known.id if known else new_id(),
            tenant=user.tenant,
            user=user.id,
            enrollment_id=report.enrollment_id,
            type=report.type,
            # The name can be a phone number or an e-mail address, and readers do not need all of it.
            name=masked(report.name) if report.name else known.name if known else None,
            status=report.status or (known.status if known else CONFIRMED),
            enrolled_at=report.enrolled_at or (known.enrolled_at if known else None),
            last_used_at=report.last_used_at or (known.last_used_at if known else None),
        )
        if enrollment == known:
            return known.id
        if known is not None and replace(enrollment, last_used_at=known.last_used_at) == known:
            # A use of the factor has no event of its own, because the login already has an event.
            await self._enrollments.touch(enrollment)
            return known.id
        details = {"type": enrollment.type, "name": enrollment.name, "status": enrollment.status}
        changes = Changes(LogEventType.MFA_ENROLLED, {}, (PutEnrollment(enrollment),), details=details, by_user=True)
        await self._writes.commit(opened, lambda _: changes)
        return enrollment.id

    @requires(DELETE_ENROLLMENTS)
    async def remove(self, principal: Principal | None, rule: Rule, target: Target, ids: Sequence[str] | None) -> User:
        """Removes second factors. `ids` are values of MfaEnrollment.id; None removes all.

        Raises what `Writes.begin` and `Writes.commit` raise, and Refused with NOT_FOUND when the user does not have one
        of the factors, or has no factor.
        """
        opened = await self._writes.begin(principal, rule, target)
        stored = await self._enrollments.find_all(opened.user)
        named = {decode_id(each) for each in ids} if ids is not None else None
        chosen = [each for each in stored if named is None or (KIND, str(each.id)) in named]
        if not chosen or (named is not None and len(chosen) < len(named)):
            raise Refused(ErrorCode.NOT_FOUND, "The user has no such second factor.", ("ids",))
        removal = RemoveEnrollments(tuple(each.id for each in chosen))
        details = {"removed": [{"type": each.type, "name": each.name} for each in chosen]}
        changes = Changes(LogEventType.MFA_REMOVED, {}, (removal,), details=details)
        return await self._writes.commit(opened, lambda _: changes)
