"""What a caller could do to a user now: the rules and reasons that the mutations themselves go by."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.domain.accounts import why_no_mail, why_not_changeable, why_not_verifiable
from app.domain.connections import AuthConnection, why_not_editable
from app.domain.identities import MAX_IDENTITIES
from app.domain.passwords import why_no_password
from app.domain.principals import ActorKind, Principal
from app.domain.rules import (
    ASSIGN_ROLES,
    BLOCK_USER,
    CHANGE_EMAIL,
    CHANGE_PASSWORD,
    CHANGE_PHONE_NUMBER,
    CHANGE_USERNAME,
    DELETE_ENROLLMENTS,
    DELETE_USER,
    EXPORT_PERSONAL_DATA,
    GRANT_PERMISSIONS,
    LINK_IDENTITY,
    REVOKE_APPLICATION,
    SEND_ACCOUNT_MAIL,
    UNASSIGN_ROLES,
    UNLINK_DEVICE,
    UPDATE_APP_METADATA,
    UPDATE_ROOT_ATTRIBUTES,
    UPDATE_USER_METADATA,
    Rule,
)
from app.policy.rules import holds, is_recent


class UserActionName(StrEnum):
    """UserActionName of the contract, and more."""

    EDIT_USER_METADATA = "EDIT_USER_METADATA"
    EDIT_APP_METADATA = "EDIT_APP_METADATA"
    EDIT_ROOT_ATTRIBUTES = "EDIT_ROOT_ATTRIBUTES"
    CHANGE_EMAIL = "CHANGE_EMAIL"
    CHANGE_USERNAME = "CHANGE_USERNAME"
    CHANGE_PHONE_NUMBER = "CHANGE_PHONE_NUMBER"
    CHANGE_PASSWORD = "CHANGE_PASSWORD"  # noqa: S105
    SEND_VERIFICATION_EMAIL = "SEND_VERIFICATION_EMAIL"
    SEND_PASSWORD_RESET_EMAIL = "SEND_PASSWORD_RESET_EMAIL"  # noqa: S105
    BLOCK = "BLOCK"
    UNBLOCK = "UNBLOCK"
    DELETE = "DELETE"
    LINK_IDENTITY = "LINK_IDENTITY"
    UNLINK_IDENTITY = "UNLINK_IDENTITY"
    UNLINK_DEVICE = "UNLINK_DEVICE"
    REVOKE_APPLICATION = "REVOKE_APPLICATION"
    REMOVE_MFA_ENROLLMENTS = "REMOVE_MFA_ENROLLMENTS"
    ASSIGN_ROLES = "ASSIGN_ROLES"
    UNASSIGN_ROLES = "UNASSIGN_ROLES"
    GRANT_PERMISSIONS = "GRANT_PERMISSIONS"
    REVOKE_PERMISSIONS = "REVOKE_PERMISSIONS"
    EXPORT_PERSONAL_DATA = "EXPORT_PERSONAL_DATA"


_Name = UserActionName
RULES: Mapping[UserActionName, Rule] = {
    _Name.EDIT_USER_METADATA: UPDATE_USER_METADATA,
    _Name.EDIT_APP_METADATA: UPDATE_APP_METADATA,
    _Name.EDIT_ROOT_ATTRIBUTES: UPDATE_ROOT_ATTRIBUTES,
    _Name.CHANGE_EMAIL: CHANGE_EMAIL,
    _Name.CHANGE_USERNAME: CHANGE_USERNAME,
    _Name.CHANGE_PHONE_NUMBER: CHANGE_PHONE_NUMBER,
    _Name.CHANGE_PASSWORD: CHANGE_PASSWORD,
    _Name.SEND_VERIFICATION_EMAIL: SEND_ACCOUNT_MAIL,
    _Name.SEND_PASSWORD_RESET_EMAIL: SEND_ACCOUNT_MAIL,
    _Name.BLOCK: BLOCK_USER,
    _Name.UNBLOCK: BLOCK_USER,
    _Name.DELETE: DELETE_USER,
    _Name.LINK_IDENTITY: LINK_IDENTITY,
    _Name.UNLINK_IDENTITY: LINK_IDENTITY,
    _Name.UNLINK_DEVICE: UNLINK_DEVICE,
    _Name.REVOKE_APPLICATION: REVOKE_APPLICATION,
    _Name.REMOVE_MFA_ENROLLMENTS: DELETE_ENROLLMENTS,
    _Name.ASSIGN_ROLES: ASSIGN_ROLES,
    _Name.UNASSIGN_ROLES: UNASSIGN_ROLES,
    _Name.GRANT_PERMISSIONS: GRANT_PERMISSIONS,
    _Name.REVOKE_PERMISSIONS: GRANT_PERMISSIONS,
    _Name.EXPORT_PERSONAL_DATA: EXPORT_PERSONAL_DATA,
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What decides of a user. `connection` is the primary identity's; `linked` counts the others."""

    connection: AuthConnection | None
    email: str | None
    email_verified: bool
    linked: int
    is_self: bool
    blocked: bool


@dataclass(frozen=True, slots=True)
class UserAction:
    """`missing_scopes` are what the caller lacks of the shortest list that would do, where scopes are what is wrong."""

    name: UserActionName
    allowed: bool
    reason: str | None
    missing_scopes: list[str]


def actions(principal: Principal, subject: Subject, now: float, max_age: int) -> list[UserAction]:
    """Every one. `max_age` is how many seconds before `now` a sign-in counts as recent."""
    return [_action(name, principal, subject, is_recent(principal, now, max_age)) for name in UserActionName]


def _action(name: UserActionName, principal: Principal, subject: Subject, recent: bool) -> UserAction:
    rule = RULES[name]
    if not holds(principal, rule, subject.is_self):
        return UserAction(name, False, f"Not allowed to {rule.name}.", _missing(principal, rule, subject.is_self))
    if subject.is_self and rule.recent and not recent:
        return UserAction(name, False, "This needs a recent sign-in.", [])
    # Whoever may try is told by the mutation too.
    reason = _state(name, subject)
    return UserAction(name, reason is None, reason, [])


def _missing(principal: Principal, rule: Rule, is_self: bool) -> list[str]:
    """Where oneself never may, no scope would help."""
    is_self = is_self and principal.kind is ActorKind.USER
    if is_self and rule.self_ == ():
        return []
    lists = (*rule.self_, *rule.scopes) if is_self and rule.self_ else rule.scopes
    missing = [sorted(str(scope) for scope in each - principal.scopes) for each in lists]
    return min(missing, key=len)


def _state(name: UserActionName, subject: Subject) -> str | None:
    """What stands in the way with this user, whoever asks."""
    connection = subject.connection
    if name is _Name.EDIT_ROOT_ATTRIBUTES:
        return why_not_editable(connection)
    if name in _IDENTIFIERS:
        return why_not_changeable(connection, _IDENTIFIERS[name])
    if name is _Name.CHANGE_PASSWORD:
        return why_no_password(connection)
    if name is _Name.SEND_PASSWORD_RESET_EMAIL:
        return why_no_password(connection) or why_no_mail(subject.email)
    if name is _Name.SEND_VERIFICATION_EMAIL:
        return why_not_changeable(connection, "email") or why_not_verifiable(subject.email, subject.email_verified)
    if name is _Name.LINK_IDENTITY and subject.blocked:
        return "A blocked user is linked with nobody."
    if name is _Name.LINK_IDENTITY and subject.linked + 1 >= MAX_IDENTITIES:
        return f"A profile has at most {MAX_IDENTITIES} identities."
    if name is _Name.UNLINK_IDENTITY and not subject.linked:
        return "No account is linked to this one."
    return None


_IDENTIFIERS = {
    _Name.CHANGE_EMAIL: "email",
    _Name.CHANGE_USERNAME: "username",
    _Name.CHANGE_PHONE_NUMBER: "phone_number",
}
