"""What can be read of a user.

A new field of User is a line here and a line in its type.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from app.domain.attributes.identities import IDENTITY
from app.domain.attributes.roles import ROLE
from app.domain.connections import why_not_editable
from app.domain.permissions import effective_permissions
from app.domain.refusals import Refusal
from app.domain.root_attributes import ROOT_ATTRIBUTES, RootAttribute, RootAttributeName
from app.domain.rows import Attribute, Join, Kind, Row, global_id, made, once, plain
from app.domain.rules import (
    READ_APP_METADATA,
    READ_DEVICES,
    READ_ENROLLMENTS,
    READ_GRANTS,
    READ_USER,
    READ_USER_LOGS,
    READ_USER_ROLES,
    READ_USERS,
    UPDATE_APP_METADATA,
    UPDATE_ROOT_ATTRIBUTES,
    UPDATE_USER_METADATA,
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


def _root(name: str, description: str, *flags: str) -> Attribute:
    flags = ("raw", "import", "export", *flags)
    return plain(name, description, *flags, read=READ_USER, write=UPDATE_ROOT_ATTRIBUTES)


def _of_user(name: str, description: str, *flags: str, default: Any = None) -> Attribute:
    return plain(name, description, "raw", "export", *flags, read=READ_USER, default=default)


def _listed(name: str, description: str, read: Rule, *flags: str) -> Attribute:
    """Rows of their own, which come by `Lists.pages` or `Lists.owned`; their rule stands here with the others."""
    return made(name, description, lambda row: None, ("linked",), *flags, read=read)


def _identities(row: Row) -> list[Row]:
    return row.rows_inside(IDENTITY, "identities")


def _roles(row: Row) -> list[Row]:
    return [Row(ROLE, role, row.readable) for role in row.joined["roles"]]


def root_attributes(row: Row) -> list[RootAttribute]:
    """Value, provenance and editability of each of the five."""
    refusal = why_not_editable(row.joined["connection"])
    return [_root_attribute(row.record, name, refusal) for name in ROOT_ATTRIBUTES]


def _root_attribute(document: Mapping[str, Any], name: str, refusal: Refusal | None) -> RootAttribute:
    provenance = document.get("provenance", {}).get(name, {})
    return RootAttribute(
        name=RootAttributeName(name),
        value=document.get(name),
        source=AttributeSource(provenance.get("source", AttributeSource.DEFAULT)),
        connection=provenance.get("connection"),
        updated_at=provenance.get("at"),
        editable=refusal is None,
        code=refusal.code if refusal else None,
        reason=refusal.reason if refusal else None,
    )


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
            joins=frozenset({Join.CONNECTION}),
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
            joins=frozenset({Join.ROLES}),
        ),
        made(
            "permissions",
            "Direct ones and those that come with a role, each with its sources.",
            once(
                "permissions",
                lambda row: effective_permissions(row.record.get("permissions", []), row.joined["roles"]),
            ),
            ("permissions", "role_ids"),
            "personal",
            read=READ_USER_ROLES,
            joins=frozenset({Join.ROLES}),
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
            joins=frozenset({Join.CONNECTION, Join.LOCKED_OUT}),
        ),
    ]
)


def root_of(path: str) -> str:
    """The attribute that a dotted path lies in."""
    return path.partition(".")[0]


@lru_cache(maxsize=1024)
def readable_roots(readable: frozenset[Rule]) -> frozenset[str]:
    """The attributes of User whose values a reader of whom these rules hold may see."""
    return frozenset(name for name, attribute in USER.attributes.items() if (attribute.read or READ_USER) in readable)
