"""What can be read of an AuthConnection, the connection by which users log in."""

from app.domain.connections import AuthConnectionKind, kind_of
from app.domain.kinds import Kind, global_id, stored
from app.domain.rules import READ_CONNECTIONS

CONNECTION = Kind("AuthConnection", "connections", READ_CONNECTIONS, READ_CONNECTIONS, needs=("name",))

CONNECTION.add(
    [
        global_id("AuthConnection", "Stays the same for the life of the connection."),
        stored("name", "Unique in the tenant."),
        stored("strategy", "Auth0's name of the kind of identity provider: auth0, google-oauth2, samlp, ..."),
        stored("kind", "Who keeps the accounts.", path="strategy", conversion=kind_of),
        stored(
            "is_social",
            "Whether the provider is a social network.",
            path="strategy",
            conversion=lambda strategy: kind_of(strategy) is AuthConnectionKind.SOCIAL,
        ),
        stored("import_mode", "For CUSTOM_DATABASE: whether users are copied in.", default=False),
        stored("allows_sign_up", "Whether users may create an account with `signUp`.", default=False),
        stored("sync_root_attributes", "When a login copies root attributes from the provider."),
        stored(
            "version",
            "1 at creation, and one more after each change. Send it as `ifVersion` to refuse a lost update.",
            default=1,
        ),
    ]
)
