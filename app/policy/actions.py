"""viewerActions: which mutations a caller may run on a user now, and the reason for each that is refused.

RULES repeats the rule of each use case, because policy cannot import services, where use cases declare their rules.
tests/services/test_use_cases.py compares the two.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.domain.accounts import why_no_mail, why_not_changeable, why_not_verifiable
from app.domain.connections import AuthConnection, why_not_editable
from app.domain.identities import MAX_IDENTITIES
from app.domain.mail import NO_MAIL
from app.domain.passwords import why_no_password
from app.domain.principals import ActorKind, Principal
from app.domain.refusals import Refusal, RefusalCode
from app.domain.roles import MAX_PERMISSIONS, MAX_ROLES
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
from app.policy.rules import holds, is_recent, missing_scopes


class UserActionName(StrEnum):
    """Names of the actions that viewerActions lists. GraphQL prints them."""

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
# The rule of a use case is also what its mutation enforces. A weaker rule in this table gives no right: it only makes
# viewerActions offer a mutation that is then refused.
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
class TargetState:
    """The state of a user that decides which actions are possible.

    `connection` is the connection of the primary identity. `linked` is the number of other identities. `is_self` is
    true when the user is the caller. `locked_out` is true when at least one IP address is blocked for the account after
    too many failed logins. `roles` and `permissions` are the numbers of directly assigned roles and permissions.
    `can_mail` is true when the service can send mail.
    """

    connection: AuthConnection | None
    email: str | None
    email_verified: bool
    linked: int
    is_self: bool
    blocked: bool
    locked_out: bool
    roles: int
    permissions: int
    can_mail: bool


@dataclass(frozen=True, slots=True)
class UserAction:
    """Whether an action is allowed. `code` and `reason` are None when it is.

    `missing_scopes` are the scopes that the caller lacks. It is empty when something else is the obstacle.
    """

    name: UserActionName
    allowed: bool
    code: RefusalCode | None
    reason: str | None
    missing_scopes: list[str]


def actions(principal: Principal, target: TargetState, now: float, max_age: int) -> list[UserAction]:
    """Returns every action in the order of UserActionName.

    A sign-in is recent for `max_age` seconds. `now` is in seconds since 1970.
    """
    return [_action(name, principal, target, is_recent(principal, now, max_age)) for name in UserActionName]


def _action(name: UserActionName, principal: Principal, target: TargetState, recent: bool) -> UserAction:
    """Returns the action with its first obstacle."""
    rule = RULES[name]
    # Scopes come first: a caller without them must not learn the state of the profile, which the mutation would not
    # tell them either.
    if not holds(principal, rule, target.is_self):
        missing = missing_scopes(principal, rule, target.is_self)
        return _refused(name, _forbidden(principal, rule, target.is_self), missing)
    refusal = _find_obstacle(name, target)
    # The recent sign-in comes last: a user must not sign in again only to be refused for a lasting reason.
    if refusal is None and target.is_self and rule.recent and not recent:
        refusal = _NEEDS_RECENT_SIGN_IN
    return _refused(name, refusal) if refusal else UserAction(name, True, None, None, [])


def _refused(name: UserActionName, refusal: Refusal, missing: Sequence[str] = ()) -> UserAction:
    return UserAction(name, False, refusal.code, refusal.reason, list(missing))


_NEEDS_RECENT_SIGN_IN = Refusal(
    RefusalCode.NEEDS_RECENT_SIGN_IN, "This needs a recent sign-in, and your last sign-in is too old. Sign in again."
)


def _forbidden(principal: Principal, rule: Rule, is_self: bool) -> Refusal:
    # An empty `self_` means that no scope helps, so this message must not suggest to ask for a scope.
    if is_self and principal.kind is ActorKind.USER and rule.self_ == ():
        return Refusal(RefusalCode.FORBIDDEN, "You cannot do this to your own profile.")
    return Refusal(RefusalCode.FORBIDDEN, f"You are not allowed to {rule.name}.")


def _find_obstacle(name: UserActionName, target: TargetState) -> Refusal | None:
    """Returns the obstacle in the state of this profile, which does not depend on the caller's scopes."""
    connection = target.connection
    if name is _Name.EDIT_ROOT_ATTRIBUTES:
        return why_not_editable(connection)
    # A user must confirm a new e-mail address by mail. An application can change it without a mail.
    if name is _Name.CHANGE_EMAIL and target.is_self:
        return why_not_changeable(connection, "email") or _no_mail(target)
    if name in _IDENTIFIERS:
        return why_not_changeable(connection, _IDENTIFIERS[name])
    if name is _Name.CHANGE_PASSWORD:
        return why_no_password(connection)
    if name is _Name.SEND_PASSWORD_RESET_EMAIL:
        return why_no_password(connection) or why_no_mail(target.email) or _no_mail(target)
    if name is _Name.SEND_VERIFICATION_EMAIL:
        refusal = why_not_changeable(connection, "email")
        return refusal or why_not_verifiable(target.email, target.email_verified) or _no_mail(target)
    return next((refusal for applies, refusal in _OBSTACLES.get(name, ()) if applies(target)), None)


def _no_mail(target: TargetState) -> Refusal | None:
    return None if target.can_mail else NO_MAIL


_IDENTIFIERS = {
    _Name.CHANGE_EMAIL: "email",
    _Name.CHANGE_USERNAME: "username",
    _Name.CHANGE_PHONE_NUMBER: "phone_number",
}
_OBSTACLES: Mapping[UserActionName, Sequence[tuple[Callable[[TargetState], bool], Refusal]]] = {
    _Name.BLOCK: [(lambda user: user.blocked, Refusal(RefusalCode.ALREADY_SO, "The user is already blocked."))],
    _Name.UNBLOCK: [
        (
            lambda user: not (user.blocked or user.locked_out),
            Refusal(RefusalCode.ALREADY_SO, "The user is not blocked."),
        )
    ],
    _Name.LINK_IDENTITY: [
        (
            lambda user: user.linked + 1 >= MAX_IDENTITIES,
            Refusal(RefusalCode.LIMIT_REACHED, f"A profile has at most {MAX_IDENTITIES} linked accounts."),
        ),
        (
            lambda user: user.blocked,
            Refusal(RefusalCode.USER_BLOCKED, "A blocked user cannot be linked to another account."),
        ),
    ],
    _Name.UNLINK_IDENTITY: [
        (
            lambda user: not user.linked,
            Refusal(RefusalCode.NOTHING_THERE, "No other account is linked to this profile."),
        )
    ],
    _Name.ASSIGN_ROLES: [
        (
            lambda user: user.roles >= MAX_ROLES,
            Refusal(RefusalCode.LIMIT_REACHED, f"A user has at most {MAX_ROLES} roles."),
        )
    ],
    _Name.UNASSIGN_ROLES: [
        (lambda user: not user.roles, Refusal(RefusalCode.NOTHING_THERE, "The user has no role.")),
    ],
    _Name.GRANT_PERMISSIONS: [
        (
            lambda user: user.permissions >= MAX_PERMISSIONS,
            Refusal(RefusalCode.LIMIT_REACHED, f"A user has at most {MAX_PERMISSIONS} directly assigned permissions."),
        )
    ],
    _Name.REVOKE_PERMISSIONS: [
        (
            lambda user: not user.permissions,
            Refusal(
                RefusalCode.NOTHING_THERE,
                "The user has no directly assigned permission. Permissions of roles are changed by changing the roles.",
            ),
        )
    ],
}
