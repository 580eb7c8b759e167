"""The attributes of an AuthConnection, a connection with which users log in."""

from app.domain.connections import AuthConnectionKind, kind_of
from app.domain.kinds import Kind, global_id, stored
from app.domain.rules import READ_CONNECTIONS

CONNECTION = Kind("AuthConnection", "connections", READ_CONNECTIONS, READ_CONNECTIONS, needs=("name",))

CONNECTION.add(
    [
        global_id("AuthConnection", "The global id. It stays the same for the life of the connection."),
        stored("name", "The name, such as acme-saml. It is unique in the tenant and never changes."),
        stored(
            "strategy", "The type of identity provider, with the name that Auth0 uses: auth0, google-oauth2, samlp, ..."
        ),
        stored("kind", "Where the accounts of the connection are stored.", path="strategy", conversion=kind_of),
        stored(
            "is_social",
            "Whether the identity provider is a social network: true if `kind` is SOCIAL.",
            path="strategy",
            conversion=lambda strategy: kind_of(strategy) is AuthConnectionKind.SOCIAL,
        ),
        stored(
            "import_mode",
            "Only for CUSTOM_DATABASE: whether this service stores the accounts and their passwords, as for DATABASE."
            " false for every other kind.",
            default=False,
        ),
        stored("allows_sign_up", "Whether users can create an account with `signUp`.", default=False),
        stored(
            "sync_root_attributes", "When a login copies the root attributes from the identity provider to the profile."
        ),
        stored(
            "version",
            "1 when the connection is created, and 1 more after each change. Send it as `ifVersion`, so that you do not"
            " overwrite a change of somebody else.",
            default=1,
        ),
    ]
)
