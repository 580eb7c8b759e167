"""The mutation that reports an enrollment for multi-factor authentication."""

from typing import Any

from app.domain.users import User
from tests.world import World

RECORD_ENROLLMENT = """mutation($input: RecordMfaEnrollmentInput!) { recordMfaEnrollment(input: $input) {
  mfaEnrollment { id type name status enrolledAt lastUsedAt } errors { code path } } }"""


async def record_enrollment(world: World, user: User, enrollment_id: str = "e1", **input: Any) -> Any:
    given = {"userId": user.user_id, "enrollmentId": enrollment_id, "type": "totp", **input}
    return await world.run(RECORD_ENROLLMENT, **given)
