"""What can be read of a user.

A new field of User is an attribute here and a line in its type.
"""

from collections.abc import Sequence
from functools import lru_cache, partial

from app.domain.attributes.identities import IDENTITY
from app.domain.attributes.roles import ROLE
from app.domain.connections import why_not_editable
from app.domain.enrollments import MAX_ENROLLMENTS
from app.domain.filters import Record
from app.domain.grants import MAX_GRANTS
from app.domain.kinds import (
    OPEN,
    Join,
    Joined,
    Kind,
    Order,
    Provided,
    RawDocument,
    Takes,
    computed,
    global_id,
    nested,
    owned,
    paged,
    referenced,
    stored,
)
from app.domain.permissions import UserPermission, effective_permissions
from app.domain.refusals import Refusal
from app.domain.root_attributes import ROOT_ATTRIBUTES, RootAttribute, RootAttributeName
from app.domain.rules import (
    READ_APP_METADATA,
    READ_DEVICES,
    READ_ENROLLMENTS,
    READ_GRANTS,
    READ_USER,
    READ_USER_LOGS,
    READ_USER_ROLES,
    READ_USERS,
    Rule,
)
from app.domain.users import AttributeSource

USER = Kind(
    "User",
    "users",
    READ_USER,
    READ_USERS,
    default=READ_USER,
    owner="_id",
    lookups=("keys", "linked", "email_folded", "name_folded"),
    hidden_by="linked_to",
)
_LINKED = ("linked",)
NEWEST_FIRST = Order("date", -1)


def _root_attributes(record: Record, joined: Joined) -> list[RootAttribute]:
    """Value, provenance and editability of each of the five."""
    refusal = why_not_editable(joined["connection"])
    return [_root_attribute(record, name, refusal) for name in ROOT_ATTRIBUTES]


def _root_attribute(record: Record, name: str, refusal: Refusal | None) -> RootAttribute:
    provenance = record.get("provenance", {}).get(name, {})
    return RootAttribute(
        name=RootAttributeName(name),
        value=record.get(name),
        source=AttributeSource(provenance.get("source", AttributeSource.DEFAULT)),
        connection=provenance.get("connection"),
        updated_at=provenance.get("at"),
        editable=refusal is None,
        code=refusal.code if refusal else None,
        reason=refusal.reason if refusal else None,
    )


def _permissions(record: Record, joined: Joined) -> Sequence[UserPermission]:
    return effective_permissions(record.get("permissions", []), joined["roles"])


# What the profile itself holds: part of `raw` and of the personal data export.
_field = partial(stored, in_raw=True, personal=True)

USER.add(
    [
        global_id(
            "User",
            "Stays the same for the life of the account and is never given to another one.",
            read=OPEN,
            personal=True,
        ),
        _field("user_id", "`strategy|id`; for enterprise connections `strategy|connection|id`.", read=OPEN),
        _field(
            "version",
            "1 at creation, and one more for each write that changes root attributes, identifiers, metadata,"
            " identities, roles, permissions or the block. Logins, devices, history and writes that change nothing do"
            " not count. Send it as `ifVersion` to refuse a lost update.",
            read=OPEN,
        ),
        _field("name", "The full name, as it is shown."),
        _field("given_name", "First name."),
        _field("family_name", "Last name."),
        _field("nickname", "The casual name."),
        _field("picture", "https URL of a picture."),
        computed(
            "root_attributes",
            "For each root attribute: its value, its source, when it was set, and whether it can be edited now,"
            " or why not.",
            _root_attributes,
            needs=(*ROOT_ATTRIBUTES, "provenance", "identities.connection"),
            takes=Takes.JOINED,
            joins=frozenset({Join.CONNECTION}),
            personal=True,
        ),
        _field("email", "The current e-mail address."),
        _field("email_verified", "Whether the e-mail address was verified to be the user's."),
        _field(
            "pending_email",
            "A new e-mail address that is not verified yet. The current one stays in force until it is.",
        ),
        _field("username", "The name to sign in with, if the connection has usernames."),
        _field("phone_number", "In E.164 format: + and up to 15 digits."),
        _field("phone_verified", "Whether the phone number was verified to be the user's."),
        _field(
            "user_metadata",
            "What the product stores for the user, who may read and change it. The whole document ({} when empty), or"
            " only the given dotted paths of it, nested as in the document. Paths lead through objects. Arrays are"
            " returned as a whole.",
            default={},
        ),
        _field(
            "app_metadata",
            "What the product stores about the user. Only callers with authorization may read and change it, never the"
            " user. `paths` works as in userMetadata.",
            read=READ_APP_METADATA,
            default={},
        ),
        nested(
            "identities",
            "The accounts with identity providers. The first is the primary one.",
            IDENTITY,
            in_raw=True,
            personal=True,
        ),
        referenced(
            "roles",
            "The roles assigned to the user.",
            ROLE,
            path="role_ids",
            join=Join.ROLES,
            read=READ_USER_ROLES,
            personal=True,
        ),
        computed(
            "permissions",
            "Permissions granted directly and those of the user's roles, each with its sources.",
            _permissions,
            needs=("permissions", "role_ids"),
            takes=Takes.JOINED,
            joins=frozenset({Join.ROLES}),
            read=READ_USER_ROLES,
            personal=True,
        ),
        _field("blocked", "Whether the user is blocked and cannot sign in.", default=False),
        _field("must_change_password", "Whether the user must change the password at the next sign-in.", default=False),
        _field("created_at", "When the profile was created."),
        _field("updated_at", "When `version` last changed. Logins do not count."),
        _field("last_login", "When the user last signed in."),
        _field("last_ip", "The IP address of the last sign-in."),
        _field("logins_count", "How often the user signed in.", default=0),
        _field("last_password_reset", "When the password was last changed."),
        RawDocument(
            name="raw", description="The profile as one JSON document in snake_case, with all that the caller may read."
        ),
        paged(
            "devices",
            "Where the user stays signed in. The device used last is first.",
            "Device",
            order=Order("last_used_at", -1),
            read=READ_DEVICES,
            paths=_LINKED,
            personal=True,
        ),
        paged(
            "log_events",
            "The activity of the account. Without `since`: the past 2 days.",
            "LogEvent",
            order=NEWEST_FIRST,
            read=READ_USER_LOGS,
            paths=_LINKED,
            personal=True,
        ),
        owned(
            "authorized_applications",
            "The applications that the user authorized, each with its scopes.",
            "AuthorizedApplication",
            order=Order("granted_at", -1),
            limit=MAX_GRANTS,
            read=READ_GRANTS,
            paths=_LINKED,
            personal=True,
        ),
        owned(
            "mfa_enrollments",
            "The second factors of the user.",
            "MfaEnrollment",
            order=Order("enrollment_id", 1),
            limit=MAX_ENROLLMENTS,
            read=READ_ENROLLMENTS,
            paths=_LINKED,
            personal=True,
        ),
        Provided(
            name="viewer_actions",
            description="What the caller may do to this user now, or why not, so that a page can disable its buttons.",
            read=OPEN,
            paths=(
                "blocked",
                "email",
                "email_verified",
                "identities.connection",
                "identities.origin",
                "role_ids",
                "permissions.name",
            ),
            joins=frozenset({Join.CONNECTION, Join.LOCKED_OUT}),
        ),
    ]
)


def root_of(path: str) -> str:
    """The attribute that a dotted path lies in."""
    return path.partition(".")[0]


@lru_cache(maxsize=1024)
def readable_roots(readable: frozenset[Rule]) -> frozenset[str]:
    """The attributes of User whose values a reader may see for whom these rules hold."""
    return frozenset(name for name, attribute in USER.attributes.items() if (attribute.read or READ_USER) in readable)
