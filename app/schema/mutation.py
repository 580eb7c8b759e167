"""What can be changed."""

import strawberry
from strawberry.scalars import JSON

from app.directives import CostWeight, ListSize, Public
from app.domain.root_attributes import ROOT_ATTRIBUTES
from app.domain.rules import (
    ASSIGN_ROLES,
    BLOCK_USER,
    CHANGE_EMAIL,
    CHANGE_PASSWORD,
    CHANGE_PHONE_NUMBER,
    CHANGE_USERNAME,
    CREATE_ENROLLMENTS,
    CREATE_LOGINS,
    CREATE_ROLES,
    CREATE_USERS,
    DELETE_ENROLLMENTS,
    DELETE_ROLES,
    DELETE_USER,
    EXPORT_PERSONAL_DATA,
    GRANT_PERMISSIONS,
    LINK_IDENTITY,
    REVOKE_APPLICATION,
    SEND_ACCOUNT_MAIL,
    UNASSIGN_ROLES,
    UNLINK_DEVICE,
    UPDATE_APP_METADATA,
    UPDATE_CONNECTIONS,
    UPDATE_ROLES,
    UPDATE_ROOT_ATTRIBUTES,
    UPDATE_USER_METADATA,
    VERIFY_PASSWORDS,
)
from app.domain.users import User as WrittenUser
from app.schema.authorized import authorized
from app.schema.context import Info
from app.schema.costs import EXPORTING
from app.schema.inputs import IF_VERSION, REASON, USER_ID, to_target
from app.schema.mutations import (
    accounts,
    connections,
    emails,
    enrollments,
    grants,
    identifiers,
    logins,
    passwords,
    personal_data,
    roles,
)
from app.schema.mutations.accounts import DeleteUserPayload, SignUpPayload, UpdateUsersPayload
from app.schema.mutations.connections import AuthConnectionPayload, DeleteAuthConnectionPayload, LoginRulePayload
from app.schema.mutations.emails import RedeemTicketPayload
from app.schema.mutations.enrollments import RecordMfaEnrollmentPayload
from app.schema.mutations.grants import RecordGrantPayload
from app.schema.mutations.logins import RecordFailedLoginPayload, RecordLoginPayload
from app.schema.mutations.passwords import VerifyPasswordPayload
from app.schema.mutations.personal_data import ExportPersonalDataPayload
from app.schema.mutations.roles import RolePayload
from app.schema.payloads import UserPayload, user_payload
from app.schema.scalars import LinkMetadata
from app.services.identities import Secondary
from app.services.metadata import APP_METADATA, USER_METADATA

_PATCH = (
    "A JSON object, merged as RFC 7396 has it, to any depth: null deletes a key, {} changes nothing, arrays are"
    " replaced whole. Keys: 1 to 128 bytes without dots, no $ in front. At most 16 levels; 64 KB for the document,"
    " unless the operator says otherwise."
)
_REPLACE = "Set the whole document to `patch` instead of merging."


@strawberry.input(description="A change of user_metadata.")
class UpdateUserMetadataInput:
    user_id: str | None = strawberry.field(default=None, description=USER_ID)
    patch: JSON = strawberry.field(description=_PATCH)
    replace: bool = strawberry.field(default=False, description=_REPLACE)
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(description="A change of app_metadata.")
class UpdateAppMetadataInput:
    user_id: str = strawberry.field(description="Whose profile.")
    patch: JSON = strawberry.field(description=_PATCH)
    replace: bool = strawberry.field(default=False, description=_REPLACE)
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(
    description="A change of root attributes. Absent: unchanged. null: cleared, where the connection lets it be."
)
class UpdateRootAttributesInput:
    user_id: str | None = strawberry.field(default=None, description=USER_ID)
    name: strawberry.Maybe[str | None] = strawberry.field(default=None, description="1 to 300 characters.")
    given_name: strawberry.Maybe[str | None] = strawberry.field(default=None, description="1 to 150 characters.")
    family_name: strawberry.Maybe[str | None] = strawberry.field(default=None, description="1 to 150 characters.")
    nickname: strawberry.Maybe[str | None] = strawberry.field(default=None, description="1 to 300 characters.")
    picture: strawberry.Maybe[str | None] = strawberry.field(
        default=None, description="An https URL of at most 2048 characters."
    )
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(description="Whom to keep out.")
class BlockUserInput:
    user_id: str = strawberry.field(description="Whose profile.")
    revoke_devices: bool = strawberry.field(default=True, description="Revoke the user's devices in the same step.")
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(description="A user to act on.")
class UserActionInput:
    user_id: str = strawberry.field(description="Whose profile.")
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(
    one_of=True, description="The other account: a tool names it, a user proves it with a fresh token of it."
)
class LinkedAccount:
    user_id: strawberry.Maybe[str]
    token: strawberry.Maybe[str]


@strawberry.input(description="An account to link.")
class LinkIdentityInput:
    user_id: str | None = strawberry.field(default=None, description=USER_ID)
    secondary: LinkedAccount
    metadata: LinkMetadata = strawberry.field(
        default=LinkMetadata.KEEP_PRIMARY,
        description="What becomes of the second account's user_metadata. The profile also takes over app_metadata,"
        " combined in the same way, if the caller may change app_metadata (update:users_app_metadata); roles, if the"
        " caller may assign roles (update:users and create:role_members); and permissions, if the caller may grant"
        " permissions (update:users). It takes over none of these when one of the two accounts is the caller's own.",
    )
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(description="An identity to give back.")
class UnlinkIdentityInput:
    user_id: str | None = strawberry.field(default=None, description=USER_ID)
    identity_id: strawberry.ID
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(description="A device to unlink.")
class UnlinkDeviceInput:
    user_id: str | None = strawberry.field(default=None, description=USER_ID)
    device_id: str = strawberry.field(description="As `Device.deviceId`; in every application that it is known in.")
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.type(
    description="What can be changed. What a client can act on is in `errors` of the payload; top-level errors are for"
    " a missing or bad token, a forbidden operation, a limit, or a fault of the server."
)
class Mutation:
    @strawberry.mutation(
        description="Merges into user_metadata, or replaces it.", directives=[authorized(UPDATE_USER_METADATA)]
    )
    async def update_user_metadata(self, info: Info, input: UpdateUserMetadataInput) -> UserPayload | None:
        async def write() -> WrittenUser:
            metadata, target = info.context.services.metadata, to_target(input)
            return await metadata.update(info.context.principal, USER_METADATA, target, input.patch, input.replace)

        return await user_payload(info, write())

    @strawberry.mutation(
        description="Merges into app_metadata, or replaces it.", directives=[authorized(UPDATE_APP_METADATA)]
    )
    async def update_app_metadata(self, info: Info, input: UpdateAppMetadataInput) -> UserPayload | None:
        async def write() -> WrittenUser:
            metadata, target = info.context.services.metadata, to_target(input)
            return await metadata.update(info.context.principal, APP_METADATA, target, input.patch, input.replace)

        return await user_payload(info, write())

    @strawberry.mutation(
        description="Absent: unchanged. null: cleared, where the connection lets it be.",
        directives=[authorized(UPDATE_ROOT_ATTRIBUTES)],
    )
    async def update_root_attributes(self, info: Info, input: UpdateRootAttributesInput) -> UserPayload | None:
        given = {name: getattr(input, name) for name in ROOT_ATTRIBUTES}
        values = {name: some.value for name, some in given.items() if some is not None}

        async def write() -> WrittenUser:
            return await info.context.services.root_attributes.update(info.context.principal, to_target(input), values)

        return await user_payload(info, write())

    @strawberry.mutation(
        description="Keeps the user out: from then on their tokens are refused everywhere.",
        directives=[authorized(BLOCK_USER)],
    )
    async def block_user(self, info: Info, input: BlockUserInput) -> UserPayload | None:
        async def write() -> WrittenUser:
            blocks = info.context.services.blocks
            return await blocks.block(info.context.principal, to_target(input), input.revoke_devices)

        return await user_payload(info, write())

    @strawberry.mutation(
        description="Lets the user in again, and every address from which too many logins failed.",
        directives=[authorized(BLOCK_USER)],
    )
    async def unblock_user(self, info: Info, input: UserActionInput) -> UserPayload | None:
        async def write() -> WrittenUser:
            return await info.context.services.blocks.unblock(info.context.principal, to_target(input))

        return await user_payload(info, write())

    @strawberry.mutation(description="Revokes a device's credentials at once.", directives=[authorized(UNLINK_DEVICE)])
    async def unlink_device(self, info: Info, input: UnlinkDeviceInput) -> UserPayload | None:
        async def write() -> WrittenUser:
            devices = info.context.services.devices
            return await devices.unlink(info.context.principal, to_target(input), input.device_id)

        return await user_payload(info, write())

    @strawberry.mutation(
        description="Joins another account to this profile, whose ids, root attributes and metadata stand. The other's"
        " devices and history show beside the profile's own.",
        directives=[authorized(LINK_IDENTITY)],
    )
    async def link_identity(self, info: Info, input: LinkIdentityInput) -> UserPayload | None:
        async def write() -> WrittenUser:
            identities, other = info.context.services.identities, input.secondary
            secondary = Secondary(
                other.user_id.value if other.user_id else None, other.token.value if other.token else None
            )
            written = await identities.link(info.context.principal, to_target(input), secondary, input.metadata)
            # The account's history and devices are the caller's own now.
            await info.context.look_again()
            return written

        return await user_payload(info, write())

    @strawberry.mutation(
        description="Gives a linked account back, with its own ids, root attributes and metadata.",
        directives=[authorized(LINK_IDENTITY)],
    )
    async def unlink_identity(self, info: Info, input: UnlinkIdentityInput) -> UserPayload | None:
        async def write() -> WrittenUser:
            identities = info.context.services.identities
            written = await identities.unlink(info.context.principal, to_target(input), input.identity_id)
            # The account is another profile now: maybe the one that the caller's token names.
            await info.context.look_again()
            return written

        return await user_payload(info, write())

    create_user: UserPayload | None = strawberry.mutation(
        resolver=accounts.create_user,
        description="Makes a user of a database, e-mail or text message connection.",
        directives=[authorized(CREATE_USERS)],
    )
    sign_up: SignUpPayload | None = strawberry.mutation(
        resolver=accounts.sign_up,
        description="Makes one's own account, where the connection lets users. Needs no token; limited by address.",
        directives=[Public()],
    )
    send_verification_email: UserPayload | None = strawberry.mutation(
        resolver=emails.send_verification_email,
        description="Mails a ticket that shows the address to be the user's. Three mails an hour go to a user.",
        directives=[authorized(SEND_ACCOUNT_MAIL)],
    )
    change_email: UserPayload | None = strawberry.mutation(
        resolver=emails.change_email,
        description="Asks for another address, which waits as `pendingEmail` until the ticket in its mail is redeemed;"
        " a tool may set one at once.",
        directives=[authorized(CHANGE_EMAIL)],
    )
    change_username: UserPayload | None = strawberry.mutation(
        resolver=identifiers.change_username,
        description="Sets another username, where the connection has such names.",
        directives=[authorized(CHANGE_USERNAME)],
    )
    change_phone_number: UserPayload | None = strawberry.mutation(
        resolver=identifiers.change_phone_number,
        description="Sets another phone number, where the connection has them.",
        directives=[authorized(CHANGE_PHONE_NUMBER)],
    )
    change_password: UserPayload | None = strawberry.mutation(
        resolver=passwords.change_password,
        description="Sets another password. On your own profile it takes the current password or a recent sign-in.",
        directives=[authorized(CHANGE_PASSWORD)],
    )
    send_password_reset_email: UserPayload | None = strawberry.mutation(
        resolver=passwords.send_password_reset_email,
        description="Mails a ticket for a new password. Three mails an hour go to a user.",
        directives=[authorized(SEND_ACCOUNT_MAIL)],
    )
    verify_password: VerifyPasswordPayload | None = strawberry.mutation(
        resolver=passwords.verify_password,
        description="Tells the login service whether a password is right.",
        directives=[authorized(VERIFY_PASSWORDS)],
    )
    redeem_ticket: RedeemTicketPayload | None = strawberry.mutation(
        resolver=emails.redeem_ticket,
        description="Does what a mailed ticket is for, once. Needs no token; limited by address.",
        directives=[Public()],
    )
    delete_user: DeleteUserPayload | None = strawberry.mutation(
        resolver=accounts.delete_user,
        description="Takes the account away, with what is linked to it. The history stays until it expires.",
        directives=[authorized(DELETE_USER)],
    )
    update_users: UpdateUsersPayload | None = strawberry.mutation(
        resolver=accounts.update_users,
        description="Up to 100 changes in one request, each with its own result. Who may what is as with the single"
        " mutation of each, and so is what it costs.",
        directives=[
            CostWeight(weight=1),
            ListSize(slicing_arguments=["input.updates"], sized_fields=["results"]),
        ],
    )
    export_personal_data: ExportPersonalDataPayload | None = strawberry.mutation(
        resolver=personal_data.export_personal_data,
        description="Everything held about the user that the caller may read, as one JSON document.",
        directives=[authorized(EXPORT_PERSONAL_DATA), CostWeight(weight=EXPORTING)],
    )
    record_grant: RecordGrantPayload | None = strawberry.mutation(
        resolver=grants.record_grant,
        description="What the login service reports when a user allows an application something.",
        directives=[authorized(CREATE_LOGINS)],
    )
    revoke_application: UserPayload | None = strawberry.mutation(
        resolver=grants.revoke_application,
        description="Takes back what was allowed to an application, with its devices.",
        directives=[authorized(REVOKE_APPLICATION)],
    )
    record_mfa_enrollment: RecordMfaEnrollmentPayload | None = strawberry.mutation(
        resolver=enrollments.record_mfa_enrollment,
        description="What the login service reports when a user enrolls a second factor, or uses it.",
        directives=[authorized(CREATE_ENROLLMENTS)],
    )
    remove_mfa_enrollments: UserPayload | None = strawberry.mutation(
        resolver=enrollments.remove_mfa_enrollments,
        description="Removes second factors, one or all.",
        directives=[authorized(DELETE_ENROLLMENTS)],
    )
    create_role: RolePayload | None = strawberry.mutation(
        resolver=roles.create_role,
        description="Makes a role.",
        directives=[authorized(CREATE_ROLES)],
    )
    update_role: RolePayload | None = strawberry.mutation(
        resolver=roles.update_role,
        description="Changes a role, and what all who have it may do. Users do not change the name or the permissions"
        " of a role that they have themselves: FORBIDDEN.",
        directives=[authorized(UPDATE_ROLES)],
    )
    delete_role: RolePayload | None = strawberry.mutation(
        resolver=roles.delete_role,
        description="Deletes a role; whoever has it loses it with it. Users do not delete a role that they have"
        " themselves: FORBIDDEN.",
        directives=[authorized(DELETE_ROLES)],
    )
    assign_roles: UserPayload | None = strawberry.mutation(
        resolver=roles.assign_roles,
        description="Gives a user roles; those that they have already stay.",
        directives=[authorized(ASSIGN_ROLES)],
    )
    unassign_roles: UserPayload | None = strawberry.mutation(
        resolver=roles.unassign_roles,
        description="Takes roles from a user.",
        directives=[authorized(UNASSIGN_ROLES)],
    )
    grant_permissions: UserPayload | None = strawberry.mutation(
        resolver=roles.grant_permissions,
        description="Gives a user permissions of their own, beside those of roles.",
        directives=[authorized(GRANT_PERMISSIONS)],
    )
    revoke_permissions: UserPayload | None = strawberry.mutation(
        resolver=roles.revoke_permissions,
        description="Takes a user's own permissions; those that come with a role stay.",
        directives=[authorized(GRANT_PERMISSIONS)],
    )
    save_auth_connection: AuthConnectionPayload | None = strawberry.mutation(
        resolver=connections.save_auth_connection,
        description="Makes a connection, or changes its settings. What is left out stays as it is.",
        directives=[authorized(UPDATE_CONNECTIONS)],
    )
    delete_auth_connection: DeleteAuthConnectionPayload | None = strawberry.mutation(
        resolver=connections.delete_auth_connection,
        description="Deletes a connection that no user belongs to and no issuer names. Otherwise NOT_EDITABLE.",
        directives=[authorized(UPDATE_CONNECTIONS)],
    )
    save_login_rule: LoginRulePayload | None = strawberry.mutation(
        resolver=connections.save_login_rule,
        description="Switches a login rule on or off.",
        directives=[authorized(UPDATE_CONNECTIONS)],
    )
    record_login: RecordLoginPayload | None = strawberry.mutation(
        resolver=logins.record_login,
        description="What the login service reports after each login: creates or refreshes the profile.",
        directives=[authorized(CREATE_LOGINS)],
    )
    record_failed_login: RecordFailedLoginPayload | None = strawberry.mutation(
        resolver=logins.record_failed_login,
        description="What the login service reports after a login that failed; it changes no profile. Ten from one"
        " address keep that address out of the account.",
        directives=[authorized(CREATE_LOGINS)],
    )
