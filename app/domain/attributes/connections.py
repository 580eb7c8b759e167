"""What can be read of a connection of the profile service."""

from app.domain.connections import kind_of
from app.domain.rows import Kind, global_id, made, plain
from app.domain.rules import READ_CONNECTIONS

CONNECTION = Kind("AuthConnection", "connections", READ_CONNECTIONS, READ_CONNECTIONS, needs=("name",))

CONNECTION.add(
    [
        global_id("Stays the same for the life of the connection."),
        plain("name", "Unique in the tenant."),
        plain("strategy", "Auth0's name of the kind of identity provider: auth0, google-oauth2, samlp, ..."),
        made("kind", "Who keeps the account.", lambda row: kind_of(row.record["strategy"]), ("strategy",)),
        made(
            "is_social",
            "Whether the provider is a social network.",
            lambda row: kind_of(row.record["strategy"]) == "SOCIAL",
            ("strategy",),
        ),
        plain("import_mode", "For CUSTOM_DATABASE: whether users are copied in.", default=False),
        plain("allows_sign_up", "Whether users may make their own account with `signUp`.", default=False),
        plain("sync_root_attributes", "When a login takes root attributes over from the provider."),
        plain(
            "version",
            "1 at creation, one more after each change. Give it back as `ifVersion` to refuse a lost update.",
            default=1,
        ),
    ]
)
