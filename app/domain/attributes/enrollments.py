"""What can be read of an enrolled second factor."""

from functools import partial

from app.domain.kinds import Kind, global_id, stored
from app.domain.rules import READ_ENROLLMENTS

ENROLLMENT = Kind("MfaEnrollment", "mfa_enrollments", READ_ENROLLMENTS, None, owner="user", needs=("user",))

_field = partial(stored, personal=True)

ENROLLMENT.add(
    [
        global_id("MfaEnrollment", "Identifies this factor in `removeMfaEnrollments`.", personal=True),
        _field("type", "Auth0's name: totp, phone, email, push-notification, webauthn-roaming, recovery-code."),
        _field(
            "name",
            "The phone number, e-mail address or device. Only a part of a phone number or an e-mail address is stored.",
        ),
        _field("status", "confirmed, or another status of the login service."),
        _field("enrolled_at", "When the factor was enrolled."),
        _field("last_used_at", "When it was last used, if the login service reports it."),
    ]
)
