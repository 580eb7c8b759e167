"""Log events: what happened to an account, and the values of each changed field before and after."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any

from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key
from app.domain.metadata import is_well_formed
from app.domain.sizes import marked, size_of, too_large
from app.domain.times import format_time

# Maximum length of the reason of a change, in characters.
MAX_REASON = 500
# Maximum number of changes that one event lists.
MAX_CHANGES = 1000
# Maximum sizes in bytes of compact JSON: one value before or after a change, and all changes of an event.
MAX_VALUE_BYTES = 4_096
MAX_CHANGES_BYTES = 262_144
# Maximum sizes in bytes of compact JSON: one value in the details of an event, and all details.
MAX_DETAIL_BYTES = 16_384
MAX_DETAILS_BYTES = 65_536


class LogEventType(StrEnum):
    """The types of log events, a closed list. A type without an equivalent in Auth0's logs has the code `sapi`."""

    # The values are stored and are part of the schema, so they must not be renamed.
    APPLICATION_AUTHORIZED = "APPLICATION_AUTHORIZED"
    APPLICATION_REVOKED = "APPLICATION_REVOKED"
    APP_METADATA_UPDATED = "APP_METADATA_UPDATED"
    AUTH_CONNECTION_CREATED = "AUTH_CONNECTION_CREATED"
    AUTH_CONNECTION_DELETED = "AUTH_CONNECTION_DELETED"
    AUTH_CONNECTION_UPDATED = "AUTH_CONNECTION_UPDATED"
    DEVICE_UNLINKED = "DEVICE_UNLINKED"
    EMAIL_CHANGED = "EMAIL_CHANGED"
    EMAIL_CHANGE_REQUESTED = "EMAIL_CHANGE_REQUESTED"
    EMAIL_VERIFIED = "EMAIL_VERIFIED"
    IDENTITY_LINKED = "IDENTITY_LINKED"
    IDENTITY_UNLINKED = "IDENTITY_UNLINKED"
    LOGIN_FAILED = "LOGIN_FAILED"
    LOGIN_FAILED_USER_BLOCKED = "LOGIN_FAILED_USER_BLOCKED"
    LOGIN_FAILED_WRONG_IDENTIFIER = "LOGIN_FAILED_WRONG_IDENTIFIER"
    LOGIN_FAILED_WRONG_PASSWORD = "LOGIN_FAILED_WRONG_PASSWORD"  # noqa: S105
    LOGIN_RULE_UPDATED = "LOGIN_RULE_UPDATED"
    LOGIN_SUCCEEDED = "LOGIN_SUCCEEDED"
    LOG_EVENTS_DROPPED = "LOG_EVENTS_DROPPED"
    MFA_ENROLLED = "MFA_ENROLLED"
    MFA_REMOVED = "MFA_REMOVED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105
    PASSWORD_CHANGE_FAILED = "PASSWORD_CHANGE_FAILED"  # noqa: S105
    PASSWORD_CHANGE_REQUESTED = "PASSWORD_CHANGE_REQUESTED"  # noqa: S105
    PERMISSIONS_GRANTED = "PERMISSIONS_GRANTED"
    PERMISSIONS_REVOKED = "PERMISSIONS_REVOKED"
    PERSONAL_DATA_EXPORTED = "PERSONAL_DATA_EXPORTED"
    PHONE_NUMBER_CHANGED = "PHONE_NUMBER_CHANGED"
    ROLES_ASSIGNED = "ROLES_ASSIGNED"
    ROLES_UNASSIGNED = "ROLES_UNASSIGNED"
    ROLE_CREATED = "ROLE_CREATED"
    ROLE_DELETED = "ROLE_DELETED"
    ROLE_UPDATED = "ROLE_UPDATED"
    ROOT_ATTRIBUTES_UPDATED = "ROOT_ATTRIBUTES_UPDATED"
    SIGNUP_FAILED = "SIGNUP_FAILED"
    SIGNUP_SUCCEEDED = "SIGNUP_SUCCEEDED"
    USERNAME_CHANGED = "USERNAME_CHANGED"
    USER_ADDRESS_BLOCKED = "USER_ADDRESS_BLOCKED"
    USER_BLOCKED = "USER_BLOCKED"
    USER_CREATED = "USER_CREATED"
    USER_DELETED = "USER_DELETED"
    USER_METADATA_UPDATED = "USER_METADATA_UPDATED"
    USER_UNBLOCKED = "USER_UNBLOCKED"
    VERIFICATION_EMAIL_REQUESTED = "VERIFICATION_EMAIL_REQUESTED"


@dataclass(frozen=True, slots=True)
class _Type:
    code: str
    description: str


LOG_EVENT_TYPES: Mapping[LogEventType, _Type] = {
    LogEventType.APPLICATION_AUTHORIZED: _Type("sapi", "Authorized an application"),
    LogEventType.APPLICATION_REVOKED: _Type("sapi", "Revoked an application"),
    LogEventType.APP_METADATA_UPDATED: _Type("sapi", "Updated app_metadata"),
    LogEventType.AUTH_CONNECTION_CREATED: _Type("sapi", "Created a connection"),
    LogEventType.AUTH_CONNECTION_DELETED: _Type("sapi", "Deleted a connection"),
    LogEventType.AUTH_CONNECTION_UPDATED: _Type("sapi", "Updated a connection"),
    LogEventType.DEVICE_UNLINKED: _Type("sapi", "Unlinked a device"),
    LogEventType.EMAIL_CHANGED: _Type("sce", "Changed the e-mail address"),
    LogEventType.EMAIL_CHANGE_REQUESTED: _Type("sapi", "Requested a change of the e-mail address"),
    LogEventType.EMAIL_VERIFIED: _Type("sv", "Verified the e-mail address"),
    LogEventType.IDENTITY_LINKED: _Type("sapi", "Linked an identity"),
    LogEventType.IDENTITY_UNLINKED: _Type("sapi", "Unlinked an identity"),
    LogEventType.LOGIN_FAILED: _Type("f", "Failed to log in"),
    LogEventType.LOGIN_FAILED_USER_BLOCKED: _Type("f", "Failed to log in: the user is blocked"),
    LogEventType.LOGIN_FAILED_WRONG_IDENTIFIER: _Type("fu", "Failed to log in: the user does not exist"),
    LogEventType.LOGIN_FAILED_WRONG_PASSWORD: _Type("fp", "Failed to log in: wrong password"),
    LogEventType.LOGIN_RULE_UPDATED: _Type("sapi", "Updated a login rule"),
    LogEventType.LOGIN_SUCCEEDED: _Type("s", "Logged in"),
    LogEventType.LOG_EVENTS_DROPPED: _Type("sapi", "Deleted the oldest events: the history reached its maximum size"),
    LogEventType.MFA_ENROLLED: _Type("gd_enrollment_complete", "Enrolled a second factor"),
    LogEventType.MFA_REMOVED: _Type("gd_unenroll", "Removed second factors"),
    LogEventType.PASSWORD_CHANGED: _Type("scp", "Changed the password"),
    LogEventType.PASSWORD_CHANGE_FAILED: _Type("fcp", "Entered a wrong current password"),
    LogEventType.PASSWORD_CHANGE_REQUESTED: _Type("scpr", "Requested an e-mail to reset the password"),
    LogEventType.PERMISSIONS_GRANTED: _Type("sapi", "Granted permissions"),
    LogEventType.PERMISSIONS_REVOKED: _Type("sapi", "Revoked permissions"),
    LogEventType.PERSONAL_DATA_EXPORTED: _Type("sapi", "Exported the personal data of the user"),
    LogEventType.PHONE_NUMBER_CHANGED: _Type("scpn", "Changed the phone number"),
    LogEventType.ROLES_ASSIGNED: _Type("sapi", "Assigned roles"),
    LogEventType.ROLES_UNASSIGNED: _Type("sapi", "Unassigned roles"),
    LogEventType.ROLE_CREATED: _Type("sapi", "Created a role"),
    LogEventType.ROLE_DELETED: _Type("sapi", "Deleted a role"),
    LogEventType.ROLE_UPDATED: _Type("sapi", "Updated a role"),
    LogEventType.ROOT_ATTRIBUTES_UPDATED: _Type("sapi", "Updated root attributes"),
    LogEventType.SIGNUP_FAILED: _Type("fs", "Failed to sign up: the e-mail address has an account"),
    LogEventType.SIGNUP_SUCCEEDED: _Type("ss", "Signed up"),
    LogEventType.USERNAME_CHANGED: _Type("scu", "Changed the username"),
    LogEventType.USER_ADDRESS_BLOCKED: _Type("limit_wc", "Blocked an IP address after too many failed logins"),
    LogEventType.USER_BLOCKED: _Type("sapi", "Blocked the user"),
    LogEventType.USER_CREATED: _Type("sapi", "Created the user"),
    LogEventType.USER_DELETED: _Type("sdu", "Deleted the user"),
    LogEventType.USER_METADATA_UPDATED: _Type("sapi", "Updated user_metadata"),
    LogEventType.USER_UNBLOCKED: _Type("sapi", "Unblocked the user"),
    LogEventType.VERIFICATION_EMAIL_REQUESTED: _Type("svr", "Requested an e-mail to verify the e-mail address"),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """The author of an event, if it is not the user."""

    kind: str
    id: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class FieldChange:
    """The change of one field. `path` is in snake_case with dots, as in `raw`. An absent value is None."""

    path: str
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """A stored event. `user` is the `_id` of the profile.

    `recorded_at` is the time of this service's clock, and the event expires a configured time after it. `date` is the
    time at which it happened, which a caller may give.
    """

    id: Key
    tenant: str
    type: LogEventType
    date: datetime
    recorded_at: datetime
    user: Key | None = None
    user_id: str | None = None
    user_name: str | None = None
    user_version: int | None = None
    actor: Actor | None = None
    client_id: str | None = None
    client_name: str | None = None
    connection: str | None = None
    strategy: str | None = None
    ip: str | None = None
    location: Mapping[str, Any] | None = None
    user_agent: str | None = None
    is_mobile: bool | None = None
    changes: tuple[FieldChange, ...] = ()
    reason: str | None = None
    details: Mapping[str, Any] | None = None


def check_reason(reason: str | None) -> None:
    """Raises Refused with INVALID_INPUT when the reason is too long or not well-formed Unicode."""
    if reason is not None and not (len(reason) <= MAX_REASON and is_well_formed(reason)):
        message = f"reason must have at most {MAX_REASON} characters and must be well-formed Unicode."
        raise Refused(ErrorCode.INVALID_INPUT, message, ("reason",))


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """Returns the leaves that differ, in the order of their paths, at most MAX_CHANGES. An array is one leaf.

    The top-level keys are attributes. For an attribute, an empty object and an absent value are the same.
    """
    return tuple(islice(_leaves(before, after, ""), MAX_CHANGES))


def bounded(event: LogEvent) -> LogEvent:
    """Returns the event as it is stored: each value that is too large is replaced by a marker with its size."""
    # MongoDB refuses documents of more than 16 MB. A write must not fail because of the size of its log event.
    details = event.details and _bounded_details(event.details)
    return replace(event, changes=tuple(_bounded_changes(event.changes)), details=details)


def _bounded_changes(changes: Iterable[FieldChange]) -> Iterator[FieldChange]:
    """Yields changes up to MAX_CHANGES_BYTES, and combines the others into one change for each attribute."""
    room, rest = MAX_CHANGES_BYTES, dict[str, tuple[int, int]]()
    for each in changes:
        change = FieldChange(each.path, marked(each.before, MAX_VALUE_BYTES), marked(each.after, MAX_VALUE_BYTES))
        size = size_of([change.path, change.before, change.after])
        if size <= room:
            room -= size
            yield change
        else:
            root = each.path.partition(".")[0]
            old, new = rest.get(root, (0, 0))
            rest[root] = old + _size(each.before), new + _size(each.after)
    for root, sizes in rest.items():
        yield FieldChange(root, *(too_large(each) if each else None for each in sizes))


def _size(value: Any) -> int:
    return 0 if value is None else size_of(value)


def _bounded_details(details: Mapping[str, Any]) -> Mapping[str, Any]:
    """Replaces large values in the details by markers."""
    # Details can contain objects, such as the settings of a connection before and after a change. Their small fields
    # stay readable.
    small = {
        name: {inner: marked(each, MAX_DETAIL_BYTES) for inner, each in value.items()}
        if isinstance(value, Mapping)
        else marked(value, MAX_DETAIL_BYTES)
        for name, value in details.items()
    }
    return marked(small, MAX_DETAILS_BYTES)  # type: ignore[no-any-return]


def _leaves(before: Mapping[str, Any], after: Mapping[str, Any], prefix: str) -> Iterator[FieldChange]:
    for key in sorted(before.keys() | after.keys()):
        old, new, path = before.get(key), after.get(key), prefix + key
        if same(old, new) and (key in before) == (key in after):
            continue
        if _has_leaves(old, new):
            yield from _leaves(_object(old), _object(new), path + ".")
            # A value that was replaced by an object with leaves, or that replaced such an object, is a change of the
            # path itself too.
            if _is_leaf(old, prefix):
                yield FieldChange(path, before=_json(old))
            if _is_leaf(new, prefix):
                yield FieldChange(path, after=_json(new))
        else:
            yield FieldChange(path, _json(old), _json(new))


def same(old: Any, new: Any) -> bool:
    """Whether two JSON values are equal: true differs from 1, 1 equals 1.0, and the order of keys does not matter."""
    # In Python, True == 1. With that, a change from true to 1 would be lost.
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(same(old[key], new[key]) for key in old)
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        return len(old) == len(new) and all(map(same, old, new))
    return isinstance(old, bool) == isinstance(new, bool) and bool(old == new)


def _is_leaf(value: Any, prefix: str) -> bool:
    """Whether a value is a leaf itself: any value but an object with fields. An empty object counts below the top."""
    if isinstance(value, Mapping):
        return not value and bool(prefix)
    return value is not None


def _has_leaves(old: Any, new: Any) -> bool:
    """Whether one of the values is an object with fields."""
    return bool(_object(old) or _object(new))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _json(value: Any) -> Any:
    return format_time(value) if isinstance(value, datetime) else value
