"""The enums of the schema, with a description of each enum and of each value. Types and inputs import them here."""

from collections.abc import Mapping
from enum import Enum

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from app.domain.connections import AuthConnectionKind, SyncRootAttributes
from app.domain.devices import DeviceType
from app.domain.errors import ErrorCode
from app.domain.identities import LinkMetadata
from app.domain.logs import LOG_EVENT_TYPES, LogEventType
from app.domain.permissions import PermissionSourceType
from app.domain.principals import ActorKind
from app.domain.refusals import RefusalCode
from app.domain.root_attributes import RootAttributeName
from app.domain.search_fields import SearchFieldType
from app.domain.tickets import LIFETIMES, TicketPurpose
from app.domain.users import AttributeSource
from app.policy.actions import UserActionName
from app.services.login_reports import FailureReason as LoginFailureReason
from app.services.searches import OrderDirection, SearchedType, UserOrderField

__all__ = [
    "ActorKind",
    "AttributeSource",
    "AuthConnectionKind",
    "DeviceType",
    "ErrorCode",
    "LinkMetadata",
    "LogEventType",
    "LoginFailureReason",
    "OrderDirection",
    "PermissionSourceType",
    "RefusalCode",
    "RootAttributeName",
    "SearchFieldType",
    "SearchedType",
    "SyncRootAttributes",
    "TicketPurpose",
    "UserActionName",
    "UserOrderField",
]


def _describe(enum: type[Enum], description: str, values: Mapping[str, str], name: str | None = None) -> None:
    """Makes a GraphQL enum. Raises KeyError for a value without a description."""
    strawberry.enum(enum, name=name, description=description)
    # The domain must not import Strawberry, so that its enums cannot declare these descriptions themselves.
    definition: StrawberryEnumDefinition = enum.__strawberry_definition__  # type: ignore[attr-defined]
    for each in definition.values:
        each.description = values[each.name]


_describe(
    ActorKind,
    "Who sends a request, or who caused an event.",
    {
        "USER": "A user, signed in with an application.",
        "APPLICATION": "An application with its own token, such as a support dashboard or a nightly script.",
        "SYSTEM": "This service itself. Only events have this value, never a caller.",
    },
)
_describe(
    AttributeSource,
    "Who set the value of a root attribute.",
    {
        "IDP": "The identity provider, in a login. `RootAttribute.connection` is the name of the connection.",
        "USER": "The user.",
        "ADMIN": "An application, or another user.",
        "IMPORT": "An import of users.",
        "RULE": "A login rule.",
        "DEFAULT": "Nobody has set the attribute. Its value is null, or was made from other attributes.",
    },
)
_describe(
    AuthConnectionKind,
    "Where the accounts of a connection are stored. The strategy of the connection determines the kind.",
    {
        "DATABASE": "In this service, with passwords. The strategy is `auth0`.",
        "CUSTOM_DATABASE": "In a database of your own. If `importMode` is true, this service stores the accounts and"
        " their passwords, as for DATABASE. The strategy is `custom`.",
        "PASSWORDLESS": "In this service. Users sign in with a code that they get by e-mail or text message. The"
        " strategy is `email` or `sms`.",
        "SOCIAL": "At a social identity provider, such as Google (`google-oauth2`) or GitHub (`github`).",
        "ENTERPRISE": "At the identity provider of a company, such as SAML (`samlp`) or Microsoft Entra ID (`waad`).",
    },
)
_describe(
    DeviceType,
    "The type of the credential with which a device stays signed in.",
    {
        "REFRESH_TOKEN": "An OAuth refresh token that can be used several times.",
        "ROTATING_REFRESH_TOKEN": "An OAuth refresh token that is replaced by a new one at each use.",
        "PUBLIC_KEY": "A public key. The device has the private key.",
    },
)
# The contract has this name. The Python class is also used outside of mutations, and has a shorter name.
_describe(
    ErrorCode,
    "Why a mutation was refused. New codes can be added: treat an unknown code like INVALID_INPUT.",
    {
        "INVALID_INPUT": "A value does not have the required form, or the current password is wrong. `path` names the"
        " value.",
        "NOT_FOUND": "The user, role, connection, device or ticket does not exist, or the caller has no right to know"
        " that it exists.",
        "ALREADY_EXISTS": "Another user of the connection has this e-mail address, username or phone number, or another"
        " role has this name.",
        "VERSION_CONFLICT": "The object was changed after the version in `ifVersion`. The error is a"
        " `VersionConflictError`, and the payload contains the current object.",
        "NOT_EDITABLE": "The connection or the identity provider does not allow this change, such as a name that Google"
        " owns.",
        "FORBIDDEN": "The scopes of the token do not allow this change. Only `updateUsers` returns this code in a"
        " payload. All other mutations return it as a top-level error.",
        "FORBIDDEN_FIELD": "A key of app_metadata is reserved, or a user set a field that users may not set for"
        " their own profile.",
        "TOO_LARGE": "The result would be larger than allowed, such as metadata of more than 64 KB, or more than 50"
        " roles.",
        "USER_BLOCKED": "The user is blocked, or too many logins from the IP address failed. In `updateUsers`: the"
        " caller was blocked while the request ran.",
        "RATE_LIMITED": "Too many e-mails were sent to the user, or too many passwords were set or checked. Try again"
        " later.",
        "CONTENDED": "Others change the same object at this moment. Send the request again.",
        "MAIL_UNAVAILABLE": "The request would send an e-mail, and this service has no mail server.",
        "LOGIN_RULE_FAILED": "A login rule failed. The login is refused and changes nothing.",
    },
    name="MutationErrorCode",
)
_describe(
    LinkMetadata,
    "What `linkIdentity` does with the metadata of the second account.",
    {
        "KEEP_PRIMARY": "The metadata of the profile stays as it is.",
        "MERGE": "Both documents are merged, to any depth. Where both have a value, the value of the profile is used.",
        "PREFER_SECONDARY": "Both documents are merged, to any depth. Where both have a value, the value of the second"
        " account is used.",
    },
)
_describe(
    LogEventType,
    "What happened. The text and the code that are given here are the values of `LogEvent.description` and"
    " `LogEvent.code`. New types can be added.",
    # The texts of events come from the domain, so that the schema and the events cannot differ.
    {str(type_): f"{each.description}. Code: {each.code}." for type_, each in LOG_EVENT_TYPES.items()},
)
# `name` is needed, because the Python class has a shorter name.
_describe(
    LoginFailureReason,
    "Why a login failed.",
    {
        "WRONG_PASSWORD": "The account exists, and the password is wrong.",
        "UNKNOWN_USER": "The connection has no account with this identifier.",
        "OTHER": "Any other reason, such as a wrong second factor.",
    },
    name="LoginFailureReason",
)
_describe(
    PermissionSourceType,
    "How a user got a permission.",
    {
        "DIRECT": "`grantPermissions` gave the permission to this user.",
        "ROLE": "A role of the user contains the permission.",
    },
)
_describe(
    RefusalCode,
    "Why an action on a user is not possible now. If there are several reasons, the service returns the first of them"
    " in this order: FORBIDDEN, PROVIDER_OWNS_IT, CONNECTION_FORBIDS, ALREADY_SO, NOTHING_THERE, LIMIT_REACHED,"
    " USER_BLOCKED, MAIL_UNAVAILABLE, NEEDS_RECENT_SIGN_IN. New codes can be added.",
    {
        "FORBIDDEN": "The token lacks a scope, or users may never do this to their own profile.",
        "NEEDS_RECENT_SIGN_IN": "The user must sign in again first.",
        "PROVIDER_OWNS_IT": "The identity provider or an external database owns the value. Change it there. Root"
        " attributes can also be changed in this service if `syncRootAttributes` of the connection is ON_FIRST_LOGIN or"
        " NEVER.",
        "CONNECTION_FORBIDS": "Accounts of this connection have no such value, for example no password or no"
        " username. Or the connection no longer exists.",
        "ALREADY_SO": "The user is already in this state, such as already blocked.",
        "NOTHING_THERE": "There is nothing to act on: for example, the profile has no e-mail address to verify.",
        "LIMIT_REACHED": "The profile already has the maximum number of linked accounts, roles or permissions.",
        "USER_BLOCKED": "The user is blocked.",
        "MAIL_UNAVAILABLE": "This service has no mail server to send an e-mail with.",
    },
)
_describe(
    RootAttributeName,
    "The five attributes of each profile that identity providers can set. Their values are fields of User.",
    {
        "NAME": "`User.name`, the full name.",
        "GIVEN_NAME": "`User.givenName`, the first name.",
        "FAMILY_NAME": "`User.familyName`, the last name.",
        "NICKNAME": "`User.nickname`, the casual name.",
        "PICTURE": "`User.picture`, the URL of a picture.",
    },
)
_describe(
    SyncRootAttributes,
    "When a login copies the root attributes from the identity provider to the profile. The setting has no effect on"
    " accounts that are stored in this service.",
    {
        "ON_EACH_LOGIN": "At each login. The attributes cannot be edited here: the next login would replace them.",
        "ON_FIRST_LOGIN": "At the first login, which creates the profile. After that the attributes can be edited"
        " here.",
        "NEVER": "At no login. The login of a user who does not exist yet is refused with NOT_FOUND.",
    },
)
_describe(
    TicketPurpose,
    "What `redeemTicket` does.",
    {
        "VERIFY_EMAIL": "Marks the e-mail address as verified. The ticket is valid for"
        f" {LIFETIMES[TicketPurpose.VERIFY_EMAIL].total_seconds() / 3600:.0f} hours.",
        "CHANGE_EMAIL": "Replaces the e-mail address by `pendingEmail`, and marks it as verified. The ticket is valid"
        f" for {LIFETIMES[TicketPurpose.CHANGE_EMAIL].total_seconds() / 3600:.0f} hours.",
        "RESET_PASSWORD": "Sets the password to `newPassword`. The ticket is valid for"
        f" {LIFETIMES[TicketPurpose.RESET_PASSWORD].total_seconds() / 60:.0f} minutes.",
    },
)
_describe(
    UserActionName,
    "An action on a user. The description of each value names its mutation. New actions can be added.",
    {
        "EDIT_USER_METADATA": "The mutation `updateUserMetadata`.",
        "EDIT_APP_METADATA": "The mutation `updateAppMetadata`.",
        "EDIT_ROOT_ATTRIBUTES": "The mutation `updateRootAttributes`.",
        "CHANGE_EMAIL": "The mutation `changeEmail`.",
        "CHANGE_USERNAME": "The mutation `changeUsername`.",
        "CHANGE_PHONE_NUMBER": "The mutation `changePhoneNumber`.",
        "CHANGE_PASSWORD": "The mutation `changePassword`.",
        "SEND_VERIFICATION_EMAIL": "The mutation `sendVerificationEmail`.",
        "SEND_PASSWORD_RESET_EMAIL": "The mutation `sendPasswordResetEmail`.",
        "BLOCK": "The mutation `blockUser`.",
        "UNBLOCK": "The mutation `unblockUser`.",
        "DELETE": "The mutation `deleteUser`.",
        "LINK_IDENTITY": "The mutation `linkIdentity`.",
        "UNLINK_IDENTITY": "The mutation `unlinkIdentity`.",
        "UNLINK_DEVICE": "The mutation `unlinkDevice`.",
        "REVOKE_APPLICATION": "The mutation `revokeApplication`.",
        "REMOVE_MFA_ENROLLMENTS": "The mutation `removeMfaEnrollments`.",
        "ASSIGN_ROLES": "The mutation `assignRoles`.",
        "UNASSIGN_ROLES": "The mutation `unassignRoles`.",
        "GRANT_PERMISSIONS": "The mutation `grantPermissions`.",
        "REVOKE_PERMISSIONS": "The mutation `revokePermissions`.",
        "EXPORT_PERSONAL_DATA": "The mutation `exportPersonalData`.",
    },
)
_describe(
    OrderDirection,
    "The direction of an order.",
    {
        "ASC": "From the smallest to the largest, from the oldest to the newest, or from A to Z.",
        "DESC": "From the largest to the smallest, from the newest to the oldest, or from Z to A.",
    },
)
_describe(
    SearchFieldType,
    "The type of the values of a search field.",
    {
        "TEXT": "A text. Case and accents do not count.",
        "NUMBER": "A number.",
        "BOOLEAN": "`true` or `false`.",
        "TIME": "A time: a date such as 2026-01-31, RFC 3339, or a time relative to now such as now-90d.",
        "ANY": "A text, a number or a boolean, as in a metadata document.",
    },
)
_describe(SearchedType, "What is searched.", {"USER": "Users."})
_describe(
    UserOrderField,
    "What users can be sorted by.",
    {
        "CREATED_AT": "When the profile was created.",
        "UPDATED_AT": "When `version` last changed.",
        "LAST_LOGIN": "When the user last signed in.",
        "LOGINS_COUNT": "How often the user signed in.",
        "NAME": "The full name, without regard to case.",
        "EMAIL": "The e-mail address, without regard to case.",
    },
)
