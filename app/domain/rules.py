"""Rules as values: which scopes let a caller read a field or run a mutation.

One object is printed as `@authorized`, enforced on reading, and asked by services on writing. Policy decides by them.
"""

from dataclasses import dataclass, replace

from app.domain.scopes import Scope

Alternatives = tuple[frozenset[Scope], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """Alternatives of scopes, each to be held whole.

    `self_` are the alternatives where the user acted on is the caller: None where that makes no difference,
    empty where the caller may never do it to themself, whatever their scopes. `recent`: to themself only soon after
    they signed in (RFC 9470).
    """

    name: str
    scopes: Alternatives
    self_: Alternatives | None = None
    recent: bool = False


def _rule(name: str, scopes: str, self_: str | None = None) -> Rule:
    """Written as in the table of who may what: alternatives separated by commas, `+` for and."""
    return Rule(name, _lists(scopes), None if self_ is None else _lists(self_))


def _lists(text: str) -> Alternatives:
    alternatives = [each for each in text.split(",") if each.strip()]
    return tuple(frozenset(Scope(part.strip()) for part in each.split("+")) for each in alternatives)


NEVER = ""

READ_USER = _rule("read a user", "read:users", "read:current_user")
READ_USERS = _rule("list users", "read:users")
READ_APP_METADATA = _rule("read app_metadata", "read:users_app_metadata", NEVER)
READ_IDP_TOKENS = _rule("read the tokens of identity providers", "read:user_idp_tokens", NEVER)
READ_USER_LOGS = _rule("read a user's log events", "read:logs, read:logs_users", "read:current_user")
READ_OTHERS_ACTS = _rule("read who else acted on a user, from where and why", "read:logs, read:logs_users")
READ_LOGS = _rule("read the tenant's log events", "read:logs")
READ_USER_ROLES = _rule("read a user's roles and permissions", "read:users, read:roles", "read:current_user")
READ_ROLES = _rule("read roles", "read:roles")
READ_ROLE_USERS = _rule("read the users of a role", "read:roles + read:users")
READ_DEVICES = _rule("read a user's devices", "read:device_credentials", "read:current_user")
READ_GRANTS = _rule("read a user's authorized applications", "read:grants", "read:current_user")
READ_ENROLLMENTS = _rule("read a user's second factors", "read:authentication_methods", "read:current_user")
READ_CONNECTIONS = _rule("read connections", "read:connections")

UPDATE_USER_METADATA = _rule("change user_metadata", "update:users", "update:current_user_metadata")
UPDATE_APP_METADATA = _rule("change app_metadata", "update:users_app_metadata", NEVER)
UPDATE_ROOT_ATTRIBUTES = _rule("change root attributes", "update:users", "update:current_user_root_attributes")

CREATE_LOGINS = _rule("record logins", "create:logins")
CREATE_USERS = _rule("create users", "create:users")
DELETE_USER = replace(_rule("delete a user", "delete:users", "delete:current_user"), recent=True)
UPDATE_CONNECTIONS = _rule("change connections and login rules", "update:connections")
BLOCK_USER = _rule("block and unblock a user", "update:users", NEVER)
CREATE_ROLES = _rule("create roles", "create:roles")
UPDATE_ROLES = _rule("change roles", "update:roles")
DELETE_ROLES = _rule("delete roles", "delete:roles")
ASSIGN_ROLES = _rule("assign roles", "update:users + create:role_members", NEVER)
UNASSIGN_ROLES = _rule("unassign roles", "update:users + delete:role_members", NEVER)
GRANT_PERMISSIONS = _rule("grant and revoke permissions", "update:users", NEVER)
UNLINK_DEVICE = _rule("unlink a device", "delete:device_credentials", "delete:current_user_device_credentials")

SEND_ACCOUNT_MAIL = _rule("have mail about the account sent", "update:users", "read:current_user")
CHANGE_EMAIL = replace(_rule("change an e-mail address", "update:users", "update:current_user_email"), recent=True)
CHANGE_USERNAME = replace(_rule("change a username", "update:users", "update:current_user_username"), recent=True)
CHANGE_PHONE_NUMBER = _rule("change a phone number", "update:users")
# The old password stands for a recent sign-in: services ask for one of the two.
CHANGE_PASSWORD = _rule("change a password", "update:users", "update:current_user_password")
VERIFY_PASSWORDS = _rule("verify passwords", "verify:passwords")
REVOKE_APPLICATION = replace(_rule("revoke an application", "delete:grants", "delete:current_user_grants"), recent=True)
CREATE_ENROLLMENTS = _rule("record second factors", "create:authentication_methods")
DELETE_ENROLLMENTS = replace(
    _rule("remove second factors", "delete:authentication_methods", "delete:current_user_authentication_methods"),
    recent=True,
)
EXPORT_PERSONAL_DATA = replace(
    _rule("export personal data", "read:users + read:users_app_metadata", "read:current_user"), recent=True
)
LINK_IDENTITY = replace(
    _rule("link and unlink identities", "update:users", "update:current_user_identities"), recent=True
)

READING = (
    READ_USER,
    READ_USERS,
    READ_APP_METADATA,
    READ_IDP_TOKENS,
    READ_USER_LOGS,
    READ_OTHERS_ACTS,
    READ_LOGS,
    READ_USER_ROLES,
    READ_ROLES,
    READ_ROLE_USERS,
    READ_CONNECTIONS,
    READ_DEVICES,
    READ_GRANTS,
    READ_ENROLLMENTS,
)
WRITING = (
    UPDATE_USER_METADATA,
    UPDATE_APP_METADATA,
    UPDATE_ROOT_ATTRIBUTES,
    CREATE_LOGINS,
    CREATE_USERS,
    DELETE_USER,
    UPDATE_CONNECTIONS,
    BLOCK_USER,
    CREATE_ROLES,
    UPDATE_ROLES,
    DELETE_ROLES,
    ASSIGN_ROLES,
    UNASSIGN_ROLES,
    GRANT_PERMISSIONS,
    UNLINK_DEVICE,
    LINK_IDENTITY,
    SEND_ACCOUNT_MAIL,
    CHANGE_EMAIL,
    CHANGE_USERNAME,
    CHANGE_PHONE_NUMBER,
    CHANGE_PASSWORD,
    VERIFY_PASSWORDS,
    REVOKE_APPLICATION,
    CREATE_ENROLLMENTS,
    DELETE_ENROLLMENTS,
    EXPORT_PERSONAL_DATA,
)
