"""Recording and removing second factors."""

import strawberry

from app.directives import Constraint
from app.domain.attributes.enrollments import ENROLLMENT
from app.domain.enrollments import MAX_ENROLLMENTS
from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key
from app.domain.users import User
from app.schema.context import Context
from app.schema.inputs import ProfileInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import Payload, UserPayload, payload_type
from app.schema.scalars import DateTime
from app.schema.types.enrollments import MfaEnrollment
from app.services.enrollments import EnrollmentReport, Enrollments
from app.services.writes import Target


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


@write_input("Second factors to remove: `ids`, or `all`.")
class RemoveMfaEnrollmentsInput(ProfileInput):
    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="MfaEnrollment.id of each.", directives=[Constraint(max_items=MAX_ENROLLMENTS)]
    )
    all: bool = False


@payload_type("What is recorded now.")
class RecordMfaEnrollmentPayload(Payload):
    kind = ENROLLMENT
    mfa_enrollment: MfaEnrollment | None = None


@mutation(
    RecordMfaEnrollmentPayload,
    "What the login service reports when a user enrolls a second factor, or uses it.",
    Enrollments.record,
)
async def record_mfa_enrollment(context: Context, input: RecordMfaEnrollmentInput) -> Key:
    report = EnrollmentReport(
        enrollment_id=input.enrollment_id,
        type=input.type,
        name=input.name,
        status=input.status,
        enrolled_at=input.enrolled_at,
        last_used_at=input.last_used_at,
    )
    return await context.services.enrollments.record(context.principal, Target(input.user_id), report)


@mutation(UserPayload, "Removes second factors, one or all.", Enrollments.remove)
async def remove_mfa_enrollments(context: Context, input: RemoveMfaEnrollmentsInput) -> User:
    # A variable that was lost must not remove all.
    if input.all == (input.ids is not None) or input.ids == []:
        raise Refused(ErrorCode.INVALID_INPUT, "Say which: ids, or all.", ("ids",))
    return await context.services.enrollments.remove(context.principal, input.target(), input.ids)
