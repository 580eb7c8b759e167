"""The mutations recordMfaEnrollment and removeMfaEnrollments."""

import strawberry

from app.directives import Constraint
from app.domain.attributes.enrollments import ENROLLMENT
from app.domain.enrollments import MAX_ENROLLMENTS
from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key
from app.domain.users import User
from app.schema.context import Context
from app.schema.inputs import OTHER_USER, ProfileInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import Payload, UserPayload, payload_type
from app.schema.scalars import DateTime
from app.schema.types.enrollments import MfaEnrollment
from app.services.enrollments import EnrollmentReport, Enrollments
from app.services.writes import Target


@strawberry.input(description="The current state of a second factor.")
class RecordMfaEnrollmentInput:
    user_id: str = strawberry.field(description=OTHER_USER)
    enrollment_id: str = strawberry.field(
        description="The id that the login service gave to the factor. It is unique for the user. If the user already"
        " has a factor with this id, the factor is updated."
    )
    type: str = strawberry.field(
        description="The type, with the name that Auth0 uses: totp, phone, email, push-notification, webauthn-roaming,"
        " ..."
    )
    name: str | None = strawberry.field(
        default=None,
        description="The phone number, e-mail address or device. Only a part of a phone number or an e-mail address is"
        " stored. If you leave it out, it stays as it is.",
    )
    status: str | None = strawberry.field(
        default=None,
        description="The status. If you leave it out, it stays as it is. For a new factor the default is confirmed.",
    )
    enrolled_at: DateTime | None = strawberry.field(
        default=None, description="When the user enrolled the factor. If you leave it out, it stays as it is."
    )
    last_used_at: DateTime | None = strawberry.field(
        default=None, description="When the user last used the factor. If you leave it out, it stays as it is."
    )


@write_input("The second factors to remove. Give either `ids`, or `all: true`.")
class RemoveMfaEnrollmentsInput(ProfileInput):
    ids: list[strawberry.ID] | None = strawberry.field(
        default=None,
        description="The `MfaEnrollment.id` of each factor. If the user does not have one of these factors, the"
        " mutation is refused with NOT_FOUND and removes nothing.",
        directives=[Constraint(max_items=MAX_ENROLLMENTS)],
    )
    all: bool = strawberry.field(default=False, description="Whether to remove all second factors of the user.")


@payload_type("The result of `recordMfaEnrollment`.")
class RecordMfaEnrollmentPayload(Payload):
    kind = ENROLLMENT
    mfa_enrollment: MfaEnrollment | None = strawberry.field(
        default=None, description="The factor as it is stored now. null: see `errors`."
    )


@mutation(
    RecordMfaEnrollmentPayload,
    "For the login service: records a second factor that a user enrolled or used.",
    Enrollments.record,
)
async def record_mfa_enrollment(context: Context, input: RecordMfaEnrollmentInput) -> Key:
    # None keeps the recorded value: the login service can report one fact without repeating the others.
    report = EnrollmentReport(
        enrollment_id=input.enrollment_id,
        type=input.type,
        name=input.name,
        status=input.status,
        enrolled_at=input.enrolled_at,
        last_used_at=input.last_used_at,
    )
    return await context.services.enrollments.record(context.principal, Target(input.user_id), report)


@mutation(UserPayload, "Removes some or all second factors of a user.", Enrollments.remove)
async def remove_mfa_enrollments(context: Context, input: RemoveMfaEnrollmentsInput) -> User:
    # Without this check, a client whose variable `ids` got lost would remove nothing or everything by mistake.
    if input.all == (input.ids is not None) or input.ids == []:
        raise Refused(
            ErrorCode.INVALID_INPUT, "Give either the ids of the second factors to remove, or all: true.", ("ids",)
        )
    return await context.services.enrollments.remove(context.principal, input.target(), input.ids)
