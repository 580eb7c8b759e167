"""The type MfaEnrollment: a second factor of a user."""

import strawberry

from app.domain.attributes.enrollments import ENROLLMENT
from app.schema.authorized import Node, row_type
from app.schema.scalars import DateTime


@row_type(ENROLLMENT, "A second factor of a user, as the login service reported it with `recordMfaEnrollment`.")
class MfaEnrollment(Node):
    # The id of the login service is not shown: the global id is enough to remove a factor.
    id: strawberry.ID
    type: str
    name: str | None
    status: str
    enrolled_at: DateTime | None
    last_used_at: DateTime | None
