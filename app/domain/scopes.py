"""The closed vocabulary of scopes: Auth0's names, ours named alike. Keep it in alphabetical order."""

from enum import StrEnum


class Scope(StrEnum):
    """`action:what`; what ends in nothing else is about any user, `current_user` about the caller's own profile."""

    CREATE_LOGINS = "create:logins"
    CREATE_ROLE_MEMBERS = "create:role_members"
    CREATE_ROLES = "create:roles"
    CREATE_USERS = "create:users"
    DELETE_CURRENT_USER = "delete:current_user"
    DELETE_CURRENT_USER_DEVICE_CREDENTIALS = "delete:current_user_device_credentials"
    DELETE_DEVICE_CREDENTIALS = "delete:device_credentials"
    DELETE_ROLE_MEMBERS = "delete:role_members"
    DELETE_ROLES = "delete:roles"
    DELETE_USERS = "delete:users"
    READ_CONNECTIONS = "read:connections"
    READ_CURRENT_USER = "read:current_user"
    READ_DEVICE_CREDENTIALS = "read:device_credentials"
    READ_LOGS = "read:logs"
    READ_LOGS_USERS = "read:logs_users"
    READ_ROLES = "read:roles"
    READ_USER_IDP_TOKENS = "read:user_idp_tokens"
    READ_USERS = "read:users"
    READ_USERS_APP_METADATA = "read:users_app_metadata"
    UPDATE_CONNECTIONS = "update:connections"
    UPDATE_CURRENT_USER_IDENTITIES = "update:current_user_identities"
    UPDATE_CURRENT_USER_METADATA = "update:current_user_metadata"
    UPDATE_CURRENT_USER_ROOT_ATTRIBUTES = "update:current_user_root_attributes"
    UPDATE_ROLES = "update:roles"
    UPDATE_USERS = "update:users"
    UPDATE_USERS_APP_METADATA = "update:users_app_metadata"
