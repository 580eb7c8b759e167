"""The attributes of a user. A new field of the GraphQL type User needs an attribute in this table."""

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
from app.domain.search_fields import boolean, document, number, text, time
from app.domain.users import AttributeSource

USER = Kind(
    "User",
    "users",
    READ_USER,
    READ_USERS,
    default=READ_USER,
    owner="_id",
    lookups=("keys", "linked", "email_folded", "name_folded", "terms", "grams"),
    hidden_by="linked_to",
)
# Devices, grants and second factors of a user include those of linked profiles, so their `_id`s are needed.
_LINKED = ("linked",)
NEWEST_FIRST = Order("date", -1)


def _root_attributes(record: Record, joined: Joined) -> list[RootAttribute]:
    """Returns the five root attributes with their values, their provenance and whether they can be edited."""
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


# Declares a field of the profile itself, which is a part of `raw` and of the personal data export.
_field = partial(stored, in_raw=True, personal=True)

USER.add(
    [
        global_id(
            "User",
            "The global id. It stays the same for the life of the account and is never given to another account.",
            read=OPEN,
            personal=True,
        ),
        _field(
            "user_id",
            "The readable id, such as auth0|john.doe. It is the strategy and the id of the account at the identity"
            " provider. For enterprise connections the name of the connection is in between: samlp|acme-saml|jane.",
            read=OPEN,
            search=(text("user_id", 'user_id:"auth0|5f7c8ec7c33c6c004bbafe82"', exact="user_id"),),
        ),
        _field(
            "version",
            "1 when the profile is created, and 1 more after each change of root attributes, identifiers, metadata,"
            " identities, roles, permissions or the block. Devices, logins that change none of these, and requests"
            " that change nothing do not count. Send it as `ifVersion`, so that you do not overwrite a change of"
            " somebody else.",
            read=OPEN,
        ),
        _field(
            "name",
            "Root attribute: the full name, for display. null: not set.",
            search=(text("name", "name:jane*", order="name_folded"),),
        ),
        _field(
            "given_name",
            "Root attribute: the first name. null: not set.",
            search=(text("given_name", "given_name:Jane"),),
        ),
        _field(
            "family_name",
            "Root attribute: the last name. null: not set.",
            search=(text("family_name", "family_name:Doe"),),
        ),
        _field(
            "nickname", "Root attribute: the casual name. null: not set.", search=(text("nickname", "nickname:*ane*"),)
        ),
        _field(
            "picture",
            "Root attribute: the URL of a picture. Identity providers may also report http URLs. null: not set.",
        ),
        computed(
            "root_attributes",
            "The five root attributes, each with its value, who set it and when, and whether it can be edited now.",
            _root_attributes,
            needs=(*ROOT_ATTRIBUTES, "provenance", "identities.connection"),
            takes=Takes.JOINED,
            joins=frozenset({Join.CONNECTION}),
            personal=True,
        ),
        _field(
            "email",
            "The current e-mail address, in lower case. null: the profile has none.",
            search=(
                text("email", 'email:"jane@example.com"', order="email_folded"),
                text("email.domain", "email.domain:example.com"),
            ),
        ),
        _field(
            "email_verified",
            "Whether it is proven that the e-mail address belongs to the user. null: there is no e-mail address, or"
            " nothing is known.",
            search=(boolean("email_verified"),),
        ),
        _field(
            "pending_email",
            "A new e-mail address that waits for its verification. Until then `email` keeps the current one. null: no"
            " change is waiting.",
        ),
        _field(
            "username",
            "The username, with which users of a database can sign in. null: none.",
            search=(text("username", "username:jane"),),
        ),
        _field(
            "phone_number",
            "The phone number in E.164 format: +4915112345678. null: the profile has none.",
            search=(text("phone_number", 'phone_number:"+49 30 123456"'),),
        ),
        _field(
            "phone_verified",
            "Whether it is proven that the phone number belongs to the user. null: there is no phone number, or"
            " nothing is known.",
            search=(boolean("phone_verified"),),
        ),
        _field(
            "user_metadata",
            "A JSON object with data that the user may read and change, such as a language or a theme. {} when it is"
            " empty. At most 64 KB, unless the operator sets another limit. Change it with `updateUserMetadata`.",
            default={},
            search=(document("user_metadata", "user_metadata.lang:fr"),),
        ),
        _field(
            "app_metadata",
            "A JSON object with data about the user that the user can neither read nor change, such as a plan or a"
            " credit limit. {} when it is empty. At most 64 KB, unless the operator sets another limit. Change it with"
            " `updateAppMetadata`.",
            read=READ_APP_METADATA,
            default={},
            search=(document("app_metadata", "app_metadata.plan:gold"),),
        ),
        nested(
            "identities",
            "The accounts of the user at identity providers, 1 to 16. The first is the primary identity.",
            IDENTITY,
            in_raw=True,
            personal=True,
        ),
        referenced(
            "roles",
            "The roles of the user, at most 50.",
            ROLE,
            path="role_ids",
            join=Join.ROLES,
            read=READ_USER_ROLES,
            personal=True,
            search=(text("role", "role:Support"),),
        ),
        computed(
            "permissions",
            "The permissions that the user has directly or from roles, each once, sorted by API and name.",
            _permissions,
            needs=("permissions", "role_ids"),
            takes=Takes.JOINED,
            joins=frozenset({Join.ROLES}),
            read=READ_USER_ROLES,
            personal=True,
        ),
        _field(
            "blocked",
            "Whether the user is blocked: the user cannot sign in, and tokens of the user are refused.",
            default=False,
            search=(boolean("blocked"),),
        ),
        _field("must_change_password", "Whether the user must change the password at the next sign-in.", default=False),
        _field(
            "created_at",
            "When the profile was created.",
            search=(time("created_at", "created_at:[2026-01-01 TO 2026-02-01}"),),
        ),
        _field(
            "updated_at",
            "When `version` last changed. A login changes `updatedAt` only if it changes `version`.",
            search=(time("updated_at", "updated_at:>now-1h"),),
        ),
        _field(
            "last_login",
            "When the user last signed in. null: never.",
            search=(time("last_login", "last_login:<now-90d"),),
        ),
        _field(
            "last_ip",
            "The IP address of the last sign-in, IPv4 or IPv6. null: not known.",
            search=(text("last_ip", "last_ip:203.0.113.7", exact="last_ip"),),
        ),
        _field(
            "logins_count",
            "The number of times that the user signed in.",
            default=0,
            search=(number("logins_count", "logins_count:[10 TO *]"),),
        ),
        _field("last_password_reset", "When the password was last changed. null: never."),
        RawDocument(
            name="raw",
            description="The profile as one JSON object with names in snake_case: user_id, user_metadata, identities."
            " Fields that the caller may not read, and fields without a value, are left out.",
        ),
        paged(
            "devices",
            "The devices that are linked to the account, also those with an expired credential. The device with the"
            " latest sign-in is first.",
            "Device",
            order=Order("last_used_at", -1),
            read=READ_DEVICES,
            paths=_LINKED,
            personal=True,
        ),
        paged(
            "log_events",
            "The history of the account, newest event first. Without `since`, the list goes back 2 days from `until`,"
            " or from now.",
            "LogEvent",
            order=NEWEST_FIRST,
            read=READ_USER_LOGS,
            paths=_LINKED,
            personal=True,
        ),
        owned(
            "authorized_applications",
            "The applications to which the user gave access to an API, at most 200, oldest first.",
            "AuthorizedApplication",
            order=Order("granted_at", -1),
            limit=MAX_GRANTS,
            read=READ_GRANTS,
            paths=_LINKED,
            personal=True,
        ),
        owned(
            "mfa_enrollments",
            "The second factors of the user, at most 50.",
            "MfaEnrollment",
            order=Order("enrollment_id", 1),
            limit=MAX_ENROLLMENTS,
            read=READ_ENROLLMENTS,
            paths=_LINKED,
            personal=True,
        ),
        Provided(
            name="viewer_actions",
            description="Each action on this user, whether the caller can do it now, and if not, why not. A page can"
            " use it to disable buttons.",
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
    """Returns the top-level attribute of a dotted path."""
    return path.partition(".")[0]


@lru_cache(maxsize=1024)
def readable_roots(readable: frozenset[Rule]) -> frozenset[str]:
    """Returns the attributes of User that a reader with these rules may read."""
    # Log events show changes of these attributes only. Otherwise the history would show what the profile hides.
    return frozenset(name for name, attribute in USER.attributes.items() if (attribute.read or READ_USER) in readable)
