"""What can be read of a grant, an application that a user authorized."""

from functools import partial

from app.domain.kinds import Kind, global_id, stored
from app.domain.rules import READ_GRANTS

GRANT = Kind("AuthorizedApplication", "grants", READ_GRANTS, None, owner="user", needs=("user",))

_field = partial(stored, personal=True)

GRANT.add(
    [
        global_id("AuthorizedApplication", "Identifies this grant in `revokeApplication`.", personal=True),
        _field("client_id", "The application."),
        _field("client_name", "Its name."),
        _field("audience", "The API that it may use for the user."),
        _field("scopes", "What it may do there."),
        _field("granted_at", "When the user last authorized it or changed its scopes."),
    ]
)
