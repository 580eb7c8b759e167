"""What can be read of a grant, an application that a user authorized."""

from app.domain.rows import Kind, global_id, plain
from app.domain.rules import READ_GRANTS

GRANT = Kind("AuthorizedApplication", "grants", READ_GRANTS, None, owner="user", needs=("user",))

GRANT.add(
    [
        global_id("Names this grant in `revokeApplication`.", "personal"),
        plain("client_id", "The application.", "personal"),
        plain("client_name", "Its name.", "personal"),
        plain("audience", "The API that it may use for the user.", "personal"),
        plain("scopes", "What it may do there.", "personal"),
        plain("granted_at", "When the user allowed it, or changed what is allowed, last.", "personal"),
    ]
)
