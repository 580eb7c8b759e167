"""Every authorization rule, with the scopes that it needs: who may read a field or run a mutation is declared here.

The same rule is printed in the schema as `@authorized`, enforced by rows when a field is read, and checked by services
before a write. So the documentation cannot differ from the behaviour. The package `policy` evaluates the rules. A new
scope also needs its name in `scopes.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from app.domain.errors import Forbidden
from app.domain.scopes import Scope

Alternatives = tuple[frozenset[Scope], ...]


# eq=False: two rules with the same scopes stay different rules, so that changing one does not change the other.
@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """Alternatives of scopes. A caller needs all scopes of one alternative. `name` completes "Not allowed to ...".

    `self_` contains further alternatives for users who act on their own profile. None means that there are no further
    ones. An empty tuple means that users may never do this to their own profile, even with every scope. With
    `recent`, users may do it to their own profile only soon after a sign-in (RFC 9470). `writes` is true for a change:
    then the service also refuses a blocked caller.
    """

    name: str
    scopes: Alternatives
    self_: Alternatives | None = None
    recent: bool = False
    writes: bool = False

    def alternatives(self, is_self: bool) -> Alternatives:
        """Returns the alternatives for the caller's own profile, or for another profile."""
        if not is_self:
            return self.scopes
        # `()` and None differ: with `()`, even the scopes for all users do not help for the own profile.
        return () if self.self_ == () else (self.self_ or ()) + self.scopes

    def refusal(self, alternatives: Alternatives) -> Forbidden:
        """Returns the error for a caller without the necessary scopes. `alternatives` would be sufficient."""
        return Forbidden(f"Not allowed to {self.name}.", to_lists(alternatives))


class ReadableRules(frozenset[Rule]):
    """The rules for reading that a reader of an object meets. `is_self` is true if the object belongs to the reader."""

    is_self: bool

    def __new__(cls, rules: Iterable[Rule] = (), is_self: bool = False) -> Self:
        self = super().__new__(cls, rules)
        self.is_self = is_self
        return self


def to_lists(alternatives: Alternatives) -> list[list[str]]:
    """Returns the alternatives as lists of texts, each sorted, for the schema and for errors."""
    return [sorted(str(scope) for scope in each) for each in alternatives]


def _reading(name: str, scopes: str, self_: str | None = None) -> Rule:
    """Makes a rule from texts. Commas separate alternatives, and `+` joins the scopes of one alternative."""
    return Rule(name, _parse(scopes), None if self_ is None else _parse(self_))


def _writing(name: str, scopes: str, self_: str | None = None, recent: bool = False) -> Rule:
    return Rule(name, _parse(scopes), None if self_ is None else _parse(self_), recent, writes=True)


def _parse(text: str) -> Alternatives:
    alternatives = [each for each in text.split(",") if each.strip()]
    return tuple(frozenset(Scope(part.strip()) for part in each.split("+")) for each in alternatives)


# As `self_`: users may never do this to their own profile.
NEVER = ""

READ_USER = _reading("read a user", "read:users", "read:current_user")
READ_USERS = _reading("list users", "read:users")
READ_APP_METADATA = _reading("read app_metadata", "read:users_app_metadata", NEVER)
READ_IDP_TOKENS = _reading("read the tokens of identity providers", "read:user_idp_tokens", NEVER)
READ_USER_LOGS = _reading("read a user's log events", "read:logs, read:logs_users", "read:current_user")
READ_OTHERS_ACTS = _reading("read who caused an event, from where and why", "read:logs, read:logs_users")
READ_LOGS = _reading("read the tenant's log events", "read:logs")
READ_USER_ROLES = _reading("read a user's roles and permissions", "read:users, read:roles", "read:current_user")
READ_ROLES = _reading("read roles", "read:roles")
READ_ROLE_USERS = _reading("read the users of a role", "read:roles + read:users")
READ_DEVICES = _reading("read a user's devices", "read:device_credentials", "read:current_user")
READ_GRANTS = _reading("read a user's authorized applications", "read:grants", "read:current_user")
READ_ENROLLMENTS = _reading("read a user's second factors", "read:authentication_methods", "read:current_user")
READ_CONNECTIONS = _reading("read connections", "read:connections")

UPDATE_USER_METADATA = _writing("change user_metadata", "update:users", "update:current_user_metadata")
UPDATE_APP_METADATA = _writing("change app_metadata", "update:users_app_metadata", NEVER)
UPDATE_ROOT_ATTRIBUTES = _writing("change root attributes", "update:users", "update:current_user_root_attributes")

CREATE_LOGINS = _writing("record logins", "create:logins")
CREATE_USERS = _writing("create users", "create:users")
DELETE_USER = _writing("delete a user", "delete:users", "delete:current_user", recent=True)
UPDATE_CONNECTIONS = _writing("change connections or login rules", "update:connections")
BLOCK_USER = _writing("block or unblock a user", "update:users", NEVER)
CREATE_ROLES = _writing("create roles", "create:roles")
UPDATE_ROLES = _writing("change roles", "update:roles")
DELETE_ROLES = _writing("delete roles", "delete:roles")
ASSIGN_ROLES = _writing("assign roles", "update:users + create:role_members", NEVER)
UNASSIGN_ROLES = _writing("unassign roles", "update:users + delete:role_members", NEVER)
GRANT_PERMISSIONS = _writing("grant or revoke permissions", "update:users", NEVER)
UNLINK_DEVICE = _writing("unlink a device", "delete:device_credentials", "delete:current_user_device_credentials")

SEND_ACCOUNT_MAIL = _writing("send an e-mail about the account", "update:users", "read:current_user")
CHANGE_EMAIL = _writing("change an e-mail address", "update:users", "update:current_user_email", recent=True)
CHANGE_USERNAME = _writing("change a username", "update:users", "update:current_user_username", recent=True)
CHANGE_PHONE_NUMBER = _writing("change a phone number", "update:users")
# Not `recent`: the old password is a proof too. The service requires either the old password or a recent sign-in.
CHANGE_PASSWORD = _writing("change a password", "update:users", "update:current_user_password")
VERIFY_PASSWORDS = _writing("verify passwords", "verify:passwords")
REVOKE_APPLICATION = _writing("revoke an application", "delete:grants", "delete:current_user_grants", recent=True)
CREATE_ENROLLMENTS = _writing("record second factors", "create:authentication_methods")
DELETE_ENROLLMENTS = _writing(
    "remove second factors", "delete:authentication_methods", "delete:current_user_authentication_methods", recent=True
)
EXPORT_PERSONAL_DATA = _writing(
    "export personal data", "read:users + read:users_app_metadata", "read:current_user", recent=True
)
LINK_IDENTITY = _writing("link or unlink identities", "update:users", "update:current_user_identities", recent=True)

_ALL = tuple(each for each in list(vars().values()) if isinstance(each, Rule))
READING = tuple(rule for rule in _ALL if not rule.writes)
WRITING = tuple(rule for rule in _ALL if rule.writes)
