"""The expected authorization of each field. It is written by hand, so that a wrong rule in `app` differs from it."""

from tests.graphql_schema import fields_of

NEVER = "never"

# For each field: the scopes that a caller needs, and the scopes that also suffice on the caller's own profile.
# A comma is "or", + is "and". NEVER: no scope allows it on the caller's own profile. None: the first scopes apply there too.
TABLE: dict[str, tuple[str, str | None]] = {
    "Query.viewer": ("read:users", "read:current_user"),
    "Query.user": ("read:users", "read:current_user"),
    "Caller.user": ("read:users", "read:current_user"),
    "Query.users": ("read:users", None),
    "Query.role": ("read:roles", None),
    "Query.roles": ("read:roles", None),
    "Query.authConnections": ("read:connections", None),
    "Query.loginRules": ("read:connections", None),
    "Query.logEvents": ("read:logs", None),
    "Query.deviceCredential": ("create:logins", None),
    "Role.users": ("read:roles+read:users", None),
    "User.appMetadata": ("read:users_app_metadata", NEVER),
    "User.logEvents": ("read:logs,read:logs_users", "read:current_user"),
    "User.roles": ("read:users,read:roles", "read:current_user"),
    "User.devices": ("read:device_credentials", "read:current_user"),
    "User.authorizedApplications": ("read:grants", "read:current_user"),
    "User.mfaEnrollments": ("read:authentication_methods", "read:current_user"),
    "User.permissions": ("read:users,read:roles", "read:current_user"),
    "Identity.accessToken": ("read:user_idp_tokens", NEVER),
    "Identity.refreshToken": ("read:user_idp_tokens", NEVER),
    "Mutation.updateUserMetadata": ("update:users", "update:current_user_metadata"),
    "Mutation.updateAppMetadata": ("update:users_app_metadata", NEVER),
    "Mutation.updateRootAttributes": ("update:users", "update:current_user_root_attributes"),
    "Mutation.unlinkDevice": ("delete:device_credentials", "delete:current_user_device_credentials"),
    "Mutation.createUser": ("create:users", None),
    "Mutation.deleteUser": ("delete:users", "delete:current_user"),
    "Mutation.sendVerificationEmail": ("update:users", "read:current_user"),
    "Mutation.sendPasswordResetEmail": ("update:users", "read:current_user"),
    "Mutation.changeEmail": ("update:users", "update:current_user_email"),
    "Mutation.changeUsername": ("update:users", "update:current_user_username"),
    "Mutation.changePhoneNumber": ("update:users", None),
    "Mutation.changePassword": ("update:users", "update:current_user_password"),
    "Mutation.verifyPassword": ("verify:passwords", None),
    "Mutation.exportPersonalData": ("read:users+read:users_app_metadata", "read:current_user"),
    "Mutation.recordGrant": ("create:logins", None),
    "Mutation.revokeApplication": ("delete:grants", "delete:current_user_grants"),
    "Mutation.recordMfaEnrollment": ("create:authentication_methods", None),
    "Mutation.removeMfaEnrollments": (
        "delete:authentication_methods",
        "delete:current_user_authentication_methods",
    ),
    "Mutation.createRole": ("create:roles", None),
    "Mutation.updateRole": ("update:roles", None),
    "Mutation.deleteRole": ("delete:roles", None),
    "Mutation.assignRoles": ("create:role_members+update:users", NEVER),
    "Mutation.unassignRoles": ("delete:role_members+update:users", NEVER),
    "Mutation.grantPermissions": ("update:users", NEVER),
    "Mutation.revokePermissions": ("update:users", NEVER),
    "Mutation.blockUser": ("update:users", NEVER),
    "Mutation.unblockUser": ("update:users", NEVER),
    "Mutation.linkIdentity": ("update:users", "update:current_user_identities"),
    "Mutation.unlinkIdentity": ("update:users", "update:current_user_identities"),
    "Mutation.saveAuthConnection": ("update:connections", None),
    "Mutation.deleteAuthConnection": ("update:connections", None),
    "Mutation.saveLoginRule": ("update:connections", None),
    "Mutation.recordLogin": ("create:logins", None),
    "Mutation.recordFailedLogin": ("create:logins", None),
}
OPEN_OF_USER = {"id", "userId", "version", "viewerActions"}

TABLE |= {
    f"User.{name}": TABLE["Query.user"]
    for name in fields_of("User")
    if name not in OPEN_OF_USER and f"User.{name}" not in TABLE
}
# On the caller's own profile, these mutations need a recent sign-in.
RECENT_SIGN_IN = {
    "changeEmail",
    "changeUsername",
    "deleteUser",
    "exportPersonalData",
    "linkIdentity",
    "removeMfaEnrollments",
    "revokeApplication",
    "unlinkIdentity",
}
# Every valid token may use these fields. updateUsers checks the rule of each update in it.
OPEN = {"Query.caller", "Query.node", "Query.nodes", "Query.rateLimit", "Query.searchFields", "Mutation.updateUsers"}
# These need no token.
OPEN |= {"Mutation.signUp", "Mutation.redeemTicket"}
# A caller who may read an object of these types may read its fields, except those in TABLE.
OPEN_TYPES = {
    "Actor",
    "AuthConnection",
    "AuthConnectionPayload",
    "AuthorizedApplication",
    "Caller",
    "DeleteAuthConnectionPayload",
    "DeleteUserPayload",
    "Device",
    "DeviceConnection",
    "DeviceEdge",
    "ExportPersonalDataPayload",
    "FieldChange",
    "Identity",
    "InputError",
    "Location",
    "LogEvent",
    "LogEventConnection",
    "LogEventEdge",
    "LoginRule",
    "LoginRulePayload",
    "MfaEnrollment",
    "PageInfo",
    "Permission",
    "PermissionSource",
    "RateLimit",
    "RecordFailedLoginPayload",
    "RecordGrantPayload",
    "RecordLoginPayload",
    "RecordMfaEnrollmentPayload",
    "RedeemTicketPayload",
    "SearchField",
    "Role",
    "RoleConnection",
    "RoleEdge",
    "RolePayload",
    "RootAttribute",
    "SignUpPayload",
    "TotalCount",
    "UpdateUserResult",
    "UpdateUsersPayload",
    "User",
    "UserAction",
    "UserConnection",
    "UserEdge",
    "UserPayload",
    "UserPermission",
    "VerifyPasswordPayload",
    "VersionConflictError",
}


def alternatives(scopes: str | None) -> list[list[str]] | None:
    """Returns the alternatives of scopes: an empty list for NEVER, and None for None."""
    if scopes is None:
        return None
    return [] if scopes == NEVER else [sorted(each.split("+")) for each in scopes.split(",")]
