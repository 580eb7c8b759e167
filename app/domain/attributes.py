"""The one table of what is read: every type, every attribute, its rule.

A new field of User is a row here and a line in its type. Searching, sorting and raw go by this table too.
"""

from functools import lru_cache
from typing import Any

from app.domain.connections import kind_of
from app.domain.logs import LOG_EVENT_TYPES, FieldChange
from app.domain.permissions import Permission, effective_permissions
from app.domain.root_attributes import ROOT_ATTRIBUTES
from app.domain.rows import Attribute, Kind, Row, global_id, made, once, plain
from app.domain.rules import (
    READ_APP_METADATA,
    READ_CONNECTIONS,
    READ_DEVICES,
    READ_ENROLLMENTS,
    READ_GRANTS,
    READ_IDP_TOKENS,
    READ_LOGS,
    READ_ROLE_USERS,
    READ_ROLES,
    READ_USER,
    READ_USER_LOGS,
    READ_USER_ROLES,
    READ_USERS,
    UPDATE_APP_METADATA,
    UPDATE_ROOT_ATTRIBUTES,
    UPDATE_USER_METADATA,
    Rule,
)
from app.domain.values import (
    actor,
    event_type,
    identity_id,
    is_hidden,
    location,
    profile_data,
    root_attributes,
)

USER = Kind(
    "User",
    "users",
    READ_USER,
    READ_USERS,
    owner="_id",
    lookups=("keys", "linked", "email_folded", "name_folded"),
    hidden_by="linked_to",
)
IDENTITY = Kind("Identity", needs=("provider",))
ROLE = Kind("Role", "roles", READ_ROLES, READ_ROLES, lookups=("name_folded",))
CONNECTION = Kind("AuthConnection", "connections", READ_CONNECTIONS, READ_CONNECTIONS, needs=("name",))
DEVICE = Kind("Device", "devices", READ_DEVICES, None, owner="user", needs=("user",), lookups=("token_hash",))
LOG_EVENT = Kind(
    "LogEvent",
    "log_events",
    READ_USER_LOGS,
    READ_LOGS,
    owner="user",
    needs=("user", "actor"),
    lookups=("roots",),
)
GRANT = Kind("AuthorizedApplication", "grants", READ_GRANTS, None, owner="user", needs=("user",))
ENROLLMENT = Kind("MfaEnrollment", "mfa_enrollments", READ_ENROLLMENTS, None, owner="user", needs=("user",))
NODES = {kind.name: kind for kind in (USER, ROLE, CONNECTION, DEVICE, LOG_EVENT, GRANT, ENROLLMENT)}


def _root(name: str, description: str, *flags: str) -> Attribute:
    flags = ("raw", "import", "export", *flags)
    return plain(name, description, *flags, read=READ_USER, write=UPDATE_ROOT_ATTRIBUTES)


def _of_user(name: str, description: str, *flags: str, default: Any = None) -> Attribute:
    return plain(name, description, "raw", "export", *flags, read=READ_USER, default=default)


def _listed(name: str, description: str, read: Rule, *flags: str) -> Attribute:
    """Rows of their own, which come by `Reads.pages` or `Reads.belongings`; their rule stands here with the others."""
    return made(name, description, lambda row: None, ("linked",), *flags, read=read)


def _token(name: str, description: str) -> Attribute:
    """Stored sealed; unsealed where the rows are made."""

    def value(row: Row) -> Any:
        return row.document.get(name)

    return made(name, description, value, (name,), read=READ_IDP_TOKENS, joins=frozenset({"tokens"}))


def _identities(row: Row) -> list[Row]:
    documents = row.document.get("identities", [])
    for index, document in enumerate(documents):
        document["$primary"] = index == 0
    return [Row(IDENTITY, document, row.readable) for document in documents]


def _roles(row: Row) -> list[Row]:
    return [Row(ROLE, document, row.readable) for document in row.document["$roles"]]


USER.add(
    [
        global_id("Stays the same for the life of the account, and is never given to another.", "personal"),
        plain(
            "user_id",
            "`strategy|id`, for enterprise connections `strategy|connection|id`.",
            "raw",
            "personal",
            "search",
            "export",
            "import",
        ),
        plain(
            "version",
            "1 at creation, one more for each write that changes root attributes, identifiers, metadata, identities,"
            " roles, permissions or the block; not for logins, devices, history, nor for a write that changes nothing."
            " Give it back as `ifVersion` to refuse a lost update.",
            "raw",
            "personal",
            "export",
        ),
        _root("name", "The full name, as it is shown.", "personal", "search", "sort"),
        _root("given_name", "First name.", "personal", "search"),
        _root("family_name", "Last name.", "personal", "search"),
        _root("nickname", "What the user is called casually.", "personal", "search"),
        _root("picture", "https URL of a picture.", "personal"),
        made(
            "root_attributes",
            "For each root attribute: its value, where it came from and when, and whether it can be edited now,"
            " or why not.",
            root_attributes,
            (*ROOT_ATTRIBUTES, "provenance", "identities.connection"),
            "personal",
            read=READ_USER,
            joins=frozenset({"connection"}),
        ),
        _of_user("email", "The address in force.", "personal", "search", "sort", "import"),
        _of_user("email_verified", "Whether the address was shown to be the user's.", "personal", "search", "import"),
        _of_user(
            "pending_email",
            "A new address that waits to be verified; the old one stays in force until then.",
            "personal",
        ),
        _of_user(
            "username", "The name to sign in with, where the connection has such names.", "personal", "search", "import"
        ),
        _of_user("phone_number", "E.164: + and up to 15 digits.", "personal", "search", "import"),
        _of_user("phone_verified", "Whether the number was shown to be the user's.", "personal", "search", "import"),
        plain(
            "user_metadata",
            "What the product keeps for the user, who may read and change it. The whole document ({} when empty), or"
            " only the given dotted paths of it, nested as in the document. Paths lead through objects; arrays come"
            " whole.",
            "raw",
            "personal",
            "search",
            "import",
            "export",
            read=READ_USER,
            write=UPDATE_USER_METADATA,
            default={},
        ),
        plain(
            "app_metadata",
            "What the product keeps about the user: for those with authorization only, never for the user."
            " `paths` as with userMetadata.",
            "raw",
            "personal",
            "search",
            "import",
            "export",
            read=READ_APP_METADATA,
            write=UPDATE_APP_METADATA,
            default={},
        ),
        made(
            "identities",
            "The accounts with identity providers. The first is the primary one.",
            _identities,
            ("identities",),
            "raw",
            "personal",
            "search",
            "export",
            read=READ_USER,
            nested=IDENTITY,
        ),
        made(
            "roles",
            "The roles assigned to the user.",
            _roles,
            ("role_ids",),
            "personal",
            read=READ_USER_ROLES,
            joins=frozenset({"roles"}),
        ),
        made(
            "permissions",
            "Direct ones and those that come with a role, each with its sources.",
            once(
                "permissions",
                lambda row: effective_permissions(row.document.get("permissions", []), row.document["$roles"]),
            ),
            ("permissions", "role_ids"),
            "personal",
            read=READ_USER_ROLES,
            joins=frozenset({"roles"}),
        ),
        _of_user("blocked", "Whether the user is kept out.", "personal", "search", "import", default=False),
        _of_user(
            "must_change_password",
            "Whether the password must be changed at the next sign-in.",
            "personal",
            default=False,
        ),
        _of_user("created_at", "When the profile was created.", "personal", "search", "sort"),
        _of_user("updated_at", "When the version moved last. Logins do not count.", "personal", "search", "sort"),
        _of_user("last_login", "When the user last signed in.", "personal", "search", "sort"),
        _of_user("last_ip", "The address of the last sign-in.", "personal", "search"),
        _of_user("logins_count", "How often the user signed in.", "personal", "search", "sort", default=0),
        _of_user("last_password_reset", "When the password was last changed.", "personal"),
    ]
)
USER.add(
    [
        made(
            "raw",
            "The profile as one JSON document in snake_case, as far as the caller may see it.",
            Row.raw,
            (),
            read=READ_USER,
            covers=tuple(USER.attributes_in_raw()),
        ),
        _listed("devices", "Where the user stays signed in, used last first.", READ_DEVICES, "personal"),
        _listed("log_events", "The account's activity. Without `since`: the past 2 days.", READ_USER_LOGS, "personal"),
        _listed(
            "authorized_applications",
            "The applications that the user allowed something, with what.",
            READ_GRANTS,
            "personal",
        ),
        _listed("mfa_enrollments", "The second factors that the user has.", READ_ENROLLMENTS, "personal"),
        made(
            "viewer_actions",
            "What the caller could do to this user now, or why not: what a page greys out.",
            lambda row: None,
            (
                "blocked",
                "email",
                "email_verified",
                "identities.connection",
                "identities.origin",
                "role_ids",
                "permissions.name",
            ),
            joins=frozenset({"connection", "lockouts"}),
        ),
    ]
)

IDENTITY.add(
    [
        made(
            "id",
            "Names this identity in `unlinkIdentity`.",
            identity_id,
            ("provider", "connection", "user_id"),
        ),
        plain("provider", "The strategy: google-oauth2, auth0, samlp, ...", "raw", "personal"),
        plain("connection", "The connection that the account came in by.", "raw", "personal"),
        plain("user_id", "The provider's id of the account.", "raw", "personal"),
        plain("is_social", "Whether the provider is a social network.", "raw", "personal", default=False),
        made(
            "is_primary",
            "Whether the profile's root attributes come from this identity.",
            lambda row: row.document["$primary"],
            (),
        ),
        made(
            "profile_data",
            "Everything that this identity provider last sent, without metadata and without what is named like a"
            " password, a token, a key or another secret.",
            profile_data,
            ("profile_data",),
            "raw",
            "personal",
        ),
        _token("access_token", "The provider's access token for this user."),
        _token("refresh_token", "The provider's refresh token for this user."),
    ]
)

ROLE.add(
    [
        global_id("Stays the same for the life of the role.", "personal"),
        plain("role_id", "What roles are named by in arguments and in tokens.", "personal"),
        plain("name", "Unique in the tenant, without regard to case.", "personal"),
        plain("description", "What the role is for.", "personal"),
        plain(
            "version",
            "1 at creation, one more after each change. Give it back as `ifVersion` to refuse a lost update.",
            default=1,
        ),
        made(
            "permissions",
            "What its holders may do.",
            once("permissions", lambda row: [Permission.read(each) for each in row.document.get("permissions", [])]),
            ("permissions",),
            "personal",
        ),
        made("users", "Who has the role.", lambda row: None, (), read=READ_ROLE_USERS),
    ]
)

CONNECTION.add(
    [
        global_id("Stays the same for the life of the connection."),
        plain("name", "Unique in the tenant."),
        plain("strategy", "Auth0's name of the kind of identity provider: auth0, google-oauth2, samlp, ..."),
        made("kind", "Who keeps the account.", lambda row: kind_of(row.document["strategy"]), ("strategy",)),
        made(
            "is_social",
            "Whether the provider is a social network.",
            lambda row: kind_of(row.document["strategy"]) == "SOCIAL",
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


DEVICE.add(
    [
        global_id("Stays the same for as long as the device is linked.", "personal"),
        plain("device_id", "What the login service calls it.", "personal"),
        made(
            "name",
            "As the login service named it, else its browser and system.",
            lambda row: row.document.get("name") or row.document.get("default_name"),
            ("name", "default_name"),
            "personal",
        ),
        plain("type", "What the credential is.", "personal"),
        plain("client_id", "The application that it belongs to.", "personal"),
        plain("client_name", "That application's name.", "personal"),
        plain("created_at", "When it was linked.", "personal"),
        plain("last_used_at", "When it was used to sign in last.", "personal"),
        plain("expires_at", "When the credential ends.", "personal"),
        plain("last_ip", "The address that it was used from last.", "personal"),
        made(
            "last_location",
            "Where that address is.",
            lambda row: location(row, "last_location"),
            ("last_location",),
            "personal",
        ),
        plain("user_agent", "The browser or program, as it named itself.", "personal"),
        plain("user_id", "Whose device it is.", "personal"),
    ]
)


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


def _unless_hidden(name: str, description: str, *flags: str) -> Attribute:
    """What a user does not see of someone else's act: reason, details, address, user agent."""

    def value(row: Row) -> Any:
        return None if is_hidden(row) else row.document.get(name)

    return made(name, description, value, (name,), *flags)


def _changes(row: Row) -> list[FieldChange] | None:
    stored = row.document.get("changes")
    if stored is None:
        return None
    roots = readable_roots(row.readable)
    return [
        FieldChange(each["path"], each.get("before"), each.get("after"))
        for each in stored
        if root_of(each["path"]) in roots
    ]


def root_of(path: str) -> str:
    """The attribute that a dotted path lies in."""
    return path.partition(".")[0]


@lru_cache(maxsize=1024)
def readable_roots(readable: frozenset[Rule]) -> frozenset[str]:
    """The attributes of User whose values a reader of whom these rules hold may see."""
    return frozenset(name for name, attribute in USER.attributes.items() if (attribute.read or READ_USER) in readable)


LOG_EVENT.add(
    [
        global_id("Stays the same for as long as the event is kept.", "personal"),
        made("log_id", "Sorts by time.", lambda row: str(row.document["_id"]), ("_id",), "personal"),
        made("type", "What happened.", event_type, ("type",), "personal"),
        made(
            "code",
            "The short code that Auth0's logs use for it: s, f, fp, ss, sapi, ...",
            lambda row: LOG_EVENT_TYPES[event_type(row)].code,
            ("type",),
            "personal",
        ),
        made(
            "description",
            "What happened, for a person.",
            lambda row: LOG_EVENT_TYPES[event_type(row)].description,
            ("type",),
            "personal",
        ),
        plain("date", "When it happened.", "personal"),
        plain("user_id", "Whose profile it is about.", "personal"),
        plain("user_name", "That profile's name at the time.", "personal"),
        plain("user_version", "The version of the profile that this change made.", "personal"),
        made(
            "actor",
            "Who did it, where that is not the user: an application or an administrator.",
            actor,
            ("actor",),
            "personal",
        ),
        plain("client_id", "The application that it was done with.", "personal"),
        plain("client_name", "That application's name.", "personal"),
        plain("connection", "The connection that was signed in by.", "personal"),
        plain("strategy", "That connection's strategy.", "personal"),
        _unless_hidden("ip", "The address that it was done from.", "personal"),
        made(
            "location",
            "Where that address is.",
            lambda row: None if is_hidden(row) else location(row, "location"),
            ("location",),
            "personal",
        ),
        _unless_hidden("user_agent", "The browser or program, as it named itself.", "personal"),
        plain("is_mobile", "Whether that was on a phone or tablet.", "personal"),
        made(
            "changes",
            "Which fields changed, from what to what; only those that the caller may read.",
            once("changes", _changes),
            ("changes",),
            "personal",
        ),
        _unless_hidden("reason", "What whoever did it gave as the reason.", "personal"),
        _unless_hidden("details", "More about it, by type.", "personal"),
    ]
)
