"""What can be read of an enrolled second factor."""

from app.domain.rows import Kind, global_id, plain
from app.domain.rules import READ_ENROLLMENTS

ENROLLMENT = Kind("MfaEnrollment", "mfa_enrollments", READ_ENROLLMENTS, None, owner="user", needs=("user",))

ENROLLMENT.add(
    [
        global_id("Names this factor in `removeMfaEnrollments`.", "personal"),
        plain(
            "type",
            "As Auth0 names them: totp, phone, email, push-notification, webauthn-roaming, recovery-code.",
            "personal",
        ),
        plain("name", "The number, address or device; of a number and an address only a part is kept.", "personal"),
        plain("status", "confirmed, or as the login service says.", "personal"),
        plain("enrolled_at", "Since when.", "personal"),
        plain("last_used_at", "When it was used last, where the login service tells.", "personal"),
    ]
)
