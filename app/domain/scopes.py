"""All scopes, in alphabetical order. Most are Auth0's. The others belong to this service and have the same form."""

from enum import StrEnum


class Scope(StrEnum):
    """A scope, in the form `action:object`.

    A scope whose object contains `current_user` applies only to the caller's own profile.
    """

    # Issuers put these texts into tokens, so they must not be renamed.
    CREATE_AUTHENTICATION_METHODS = "create:authentication_methods"
    CREATE_LOGINS = "create:logins"
    CREATE_ROLES = "create:roles"
    CREATE_ROLE_MEMBERS = "create:role_members"
    CREATE_USERS = "create:users"
    DELETE_AUTHENTICATION_METHODS = "delete:authentication_methods"
    DELETE_CURRENT_USER = "delete:current_user"
    DELETE_CURRENT_USER_AUTHENTICATION_METHODS = "delete:current_user_authentication_methods"
    DELETE_CURRENT_USER_DEVICE_CREDENTIALS = "delete:current_user_device_credentials"
    DELETE_CURRENT_USER_GRANTS = "delete:current_user_grants"
    DELETE_DEVICE_CREDENTIALS = "delete:device_credentials"
    DELETE_GRANTS = "delete:grants"
    DELETE_ROLES = "delete:roles"
    DELETE_ROLE_MEMBERS = "delete:role_members"
    DELETE_USERS = "delete:users"
    READ_AUTHENTICATION_METHODS = "read:authentication_methods"
    READ_CONNECTIONS = "read:connections"
    READ_CURRENT_USER = "read:current_user"
    READ_DEVICE_CREDENTIALS = "read:device_credentials"
    READ_GRANTS = "read:grants"
    READ_LOGS = "read:logs"
    READ_LOGS_USERS = "read:logs_users"
    READ_ROLES = "read:roles"
    READ_USERS = "read:users"
    READ_USERS_APP_METADATA = "read:users_app_metadata"
    READ_USER_IDP_TOKENS = "read:user_idp_tokens"
    UPDATE_CONNECTIONS = "update:connections"
    UPDATE_CURRENT_USER_EMAIL = "update:current_user_email"
    UPDATE_CURRENT_USER_IDENTITIES = "update:current_user_identities"
    UPDATE_CURRENT_USER_METADATA = "update:current_user_metadata"
    UPDATE_CURRENT_USER_PASSWORD = "update:current_user_password"  # noqa: S105
    UPDATE_CURRENT_USER_ROOT_ATTRIBUTES = "update:current_user_root_attributes"
    UPDATE_CURRENT_USER_USERNAME = "update:current_user_username"
    UPDATE_ROLES = "update:roles"
    UPDATE_USERS = "update:users"
    UPDATE_USERS_APP_METADATA = "update:users_app_metadata"
    VERIFY_PASSWORDS = "verify:passwords"
