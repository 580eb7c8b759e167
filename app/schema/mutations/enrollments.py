"""Recording and removing second factors."""

from typing import cast

import strawberry

from app.directives import Constraint
from app.domain.attributes.enrollments import ENROLLMENT
from app.domain.enrollments import MAX_ENROLLMENTS
from app.domain.errors import ErrorCode, Refused
from app.domain.users import User as WrittenUser
from app.schema.context import Info
from app.schema.costs import holds
from app.schema.inputs import IF_VERSION, REASON, USER_ID, to_target
from app.schema.payloads import ERRORS, MutationError, UserPayload, read_written, to_errors, user_payload
from app.schema.scalars import DateTime
from app.schema.types.enrollments import MfaEnrollment
from app.services.changes import Target
from app.services.enrollments import EnrollmentReport


@strawberry.input(description="A second factor that the login service enrolled, or how it is now.")
class RecordMfaEnrollmentInput:
    user_id: str
    enrollment_id: str = strawberry.field(description="The login service's name of it, unique with the user.")
    type: str = strawberry.field(description="totp, phone, email, push-notification, webauthn-roaming, ...")
    name: str | None = strawberry.field(default=None, description="A number, an address or a device; kept masked.")
    status: str | None = strawberry.field(
        default=None, description="Left out, it stays as it was; confirmed for a new one."
    )
    enrolled_at: DateTime | None = None
    last_used_at: DateTime | None = None


@strawberry.input(description="Second factors to remove: `ids`, or `all`.")
class RemoveMfaEnrollmentsInput:
    user_id: str | None = strawberry.field(default=None, description=USER_ID)
    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="MfaEnrollment.id of each.", directives=[Constraint(max_items=MAX_ENROLLMENTS)]
    )
    all: bool = False
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.type(description="What is recorded now.")
class RecordMfaEnrollmentPayload:
    mfa_enrollment: MfaEnrollment | None
    errors: list[MutationError] = holds(ERRORS)


async def record_mfa_enrollment(info: Info, input: RecordMfaEnrollmentInput) -> RecordMfaEnrollmentPayload | None:
    report = EnrollmentReport(
        enrollment_id=input.enrollment_id,
        type=input.type,
        name=input.name,
        status=input.status,
        enrolled_at=input.enrolled_at,
        last_used_at=input.last_used_at,
    )
    try:
        key = await info.context.services.enrollments.record(info.context.principal, Target(input.user_id), report)
    except Refused as refusal:
        return RecordMfaEnrollmentPayload(mfa_enrollment=None, errors=to_errors([refusal]))
    row = await read_written(info, ENROLLMENT, key, "mfa_enrollment")
    return RecordMfaEnrollmentPayload(mfa_enrollment=cast("MfaEnrollment | None", row), errors=[])


async def remove_mfa_enrollments(info: Info, input: RemoveMfaEnrollmentsInput) -> UserPayload | None:
    async def write() -> WrittenUser:
        # A variable that was lost must not remove all.
        if input.all == (input.ids is not None) or input.ids == []:
            raise Refused(ErrorCode.INVALID_INPUT, "Say which: ids, or all.", ("ids",))
        enrollments = info.context.services.enrollments
        return await enrollments.remove(info.context.principal, to_target(input), input.ids)

    return await user_payload(info, write())
