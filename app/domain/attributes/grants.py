"""The attributes of a grant, an application that a user authorized."""

from functools import partial

from app.domain.kinds import Kind, global_id, stored
from app.domain.rules import READ_GRANTS

GRANT = Kind("AuthorizedApplication", "grants", READ_GRANTS, None, owner="user", needs=("user",))

_field = partial(stored, personal=True)

GRANT.add(
    [
        global_id("AuthorizedApplication", "The global id, for `revokeApplication`.", personal=True),
        _field("client_id", "The client id of the application."),
        _field("client_name", "The display name of the application. null: not reported."),
        _field(
            "audience",
            "The identifier of the API that the application may use for the user, such as https://api.example.com.",
        ),
        _field("scopes", "The scopes that the user granted, in alphabetical order."),
        _field("granted_at", "When the user first authorized the application, or last changed its scopes."),
    ]
)
