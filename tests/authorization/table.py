"""The table of authorization, written by hand: which scopes allow what. This module imports nothing of `app`."""

from dataclasses import dataclass

NEVER = "never"
SAME = None

# For each action: the scopes for any profile, and the scopes that also suffice for the caller's own profile.
# A comma is "or", + is "and". NEVER: no scope allows it on the own profile. SAME: the first scopes apply there, too.
TABLE: dict[str, tuple[str, str | None]] = {
    "user": ("read:users", "read:current_user"),
    "users": ("read:users", SAME),
    "appMetadata": ("read:users_app_metadata", NEVER),
    "accessToken": ("read:user_idp_tokens", NEVER),
    "devices": ("read:device_credentials", "read:current_user"),
    "logEvents of one user": ("read:logs, read:logs_users", "read:current_user"),
    "logEvents of the tenant": ("read:logs", SAME),
    "why somebody else acted": ("read:logs, read:logs_users", SAME),
    "roles of a user": ("read:users, read:roles", "read:current_user"),
    "role": ("read:roles", SAME),
    "Role.users": ("read:roles + read:users", SAME),
    "updateUserMetadata": ("update:users", "update:current_user_metadata"),
    "updateAppMetadata": ("update:users_app_metadata", NEVER),
    "updateRootAttributes": ("update:users", "update:current_user_root_attributes"),
    "deleteUser": ("delete:users", "delete:current_user"),
    "blockUser": ("update:users", NEVER),
    "unblockUser": ("update:users", NEVER),
    "linkIdentity": ("update:users", "update:current_user_identities"),
    "unlinkIdentity": ("update:users", "update:current_user_identities"),
    "unlinkDevice": ("delete:device_credentials", "delete:current_user_device_credentials"),
    "assignRoles": ("update:users + create:role_members", NEVER),
    "unassignRoles": ("update:users + delete:role_members", NEVER),
    "grantPermissions": ("update:users", NEVER),
}
# On the caller's own profile, these need a recent sign-in.
RECENT = {"deleteUser", "linkIdentity", "unlinkIdentity"}
SCOPES = sorted(
    {
        scope.strip()
        for alternatives in TABLE.values()
        for text in alternatives
        if text and text != NEVER
        for scope in text.replace("+", ",").split(",")
    }
)


@dataclass(frozen=True)
class Caller:
    """The caller of an operation. `subject` is the handle of a user or the name of an application, or None without a token.

    `signed_in` is "now", "long ago" or "unknown".
    """

    tenant: str
    subject: str | None
    is_user: bool
    scopes: frozenset[str] = frozenset()
    signed_in: str = "now"

    def __str__(self) -> str:
        if self.subject is None:
            return "without a token"
        missing = sorted(frozenset(SCOPES) - self.scopes)
        few = len(missing) < len(SCOPES) / 2
        scopes = f"all scopes but {missing}" if few else f"scopes {sorted(self.scopes)}"
        kind = "user" if self.is_user else "application"
        return f"{kind} {self.subject} of {self.tenant} (signed in {self.signed_in}; {scopes})"


def may(caller: Caller, what: str, is_self: bool) -> bool:
    """Returns whether the caller may do this. `is_self` is true for the caller's own profile."""
    others, own = TABLE[what]
    if is_self and own == NEVER:
        return False
    text = f"{others}, {own}" if is_self and own else others
    alternatives = [frozenset(scope.strip() for scope in each.split("+")) for each in text.split(",")]
    return any(each <= caller.scopes for each in alternatives)


def may_on_any(caller: Caller, what: str) -> bool:
    """Returns whether the caller may do this to any profile, including their own."""
    return may(caller, what, False) or (caller.is_user and may(caller, what, True))
