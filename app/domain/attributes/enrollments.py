"""The attributes of an enrolled second factor."""

from functools import partial

from app.domain.kinds import Kind, global_id, stored
from app.domain.rules import READ_ENROLLMENTS

ENROLLMENT = Kind("MfaEnrollment", "mfa_enrollments", READ_ENROLLMENTS, None, owner="user", needs=("user",))

_field = partial(stored, personal=True)

ENROLLMENT.add(
    [
        global_id("MfaEnrollment", "The global id, for `removeMfaEnrollments`.", personal=True),
        _field(
            "type",
            "The type, with the name that Auth0 uses: totp, phone, email, push-notification, webauthn-roaming,"
            " recovery-code.",
        ),
        _field(
            "name",
            "The phone number, e-mail address or device. Only a part of a phone number or an e-mail address is stored:"
            " XXXXXXXX5044. null: not reported.",
        ),
        _field("status", "The status that the login service reported, such as confirmed."),
        _field("enrolled_at", "When the user enrolled the factor. null: not reported."),
        _field("last_used_at", "When the user last used the factor. null: not reported."),
    ]
)
