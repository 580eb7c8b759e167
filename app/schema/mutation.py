"""What can be changed."""

from typing import Any

import strawberry
from strawberry.scalars import JSON

from app.domain.errors import ErrorCode, Refused
from app.domain.root_attributes import ROOT_ATTRIBUTES
from app.domain.rules import (
    BLOCK_USER,
    CREATE_LOGINS,
    LINK_IDENTITY,
    UNLINK_DEVICE,
    UPDATE_APP_METADATA,
    UPDATE_CONNECTIONS,
    UPDATE_ROOT_ATTRIBUTES,
    UPDATE_USER_METADATA,
)
from app.domain.users import User as WrittenUser
from app.schema import logins
from app.schema.authorized import authorized
from app.schema.context import Info
from app.schema.logins import (
    AuthConnectionPayload,
    LoginRulePayload,
    RecordFailedLoginPayload,
    RecordLoginPayload,
)
from app.schema.payloads import UserPayload, user_payload
from app.schema.scalars import LinkMetadata
from app.services.changes import Target
from app.services.identities import Secondary
from app.services.metadata import APP_METADATA, USER_METADATA

_USER_ID = "Whose profile; the caller's own when left out. An application says whose."
_IF_VERSION = "Write only if the profile still has this version; null is refused, leave it out to write anyway."
_REASON = "Why, for the history: at most 500 characters."
_PATCH = (
    "A JSON object, merged as RFC 7396 has it, to any depth: null deletes a key, {} changes nothing, arrays are"
    " replaced whole. Keys: 1 to 128 bytes without dots, no $ in front. At most 16 levels; 64 KB for the document,"
    " unless the operator says otherwise."
)
_REPLACE = "Set the whole document to `patch` instead of merging."


@strawberry.input(description="A change of user_metadata.")
class UpdateUserMetadataInput:
    user_id: str | None = strawberry.field(default=None, description=_USER_ID)
    patch: JSON = strawberry.field(description=_PATCH)
    replace: bool = strawberry.field(default=False, description=_REPLACE)
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=_IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=_REASON)


@strawberry.input(description="A change of app_metadata.")
class UpdateAppMetadataInput:
    user_id: str = strawberry.field(description="Whose profile.")
    patch: JSON = strawberry.field(description=_PATCH)
    replace: bool = strawberry.field(default=False, description=_REPLACE)
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=_IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=_REASON)


@strawberry.input(
    description="A change of root attributes. Absent: unchanged. null: cleared, where the connection lets it be."
)
class UpdateRootAttributesInput:
    user_id: str | None = strawberry.field(default=None, description=_USER_ID)
    name: strawberry.Maybe[str | None] = strawberry.field(default=None, description="1 to 300 characters.")
    given_name: strawberry.Maybe[str | None] = strawberry.field(default=None, description="1 to 150 characters.")
    family_name: strawberry.Maybe[str | None] = strawberry.field(default=None, description="1 to 150 characters.")
    nickname: strawberry.Maybe[str | None] = strawberry.field(default=None, description="1 to 300 characters.")
    picture: strawberry.Maybe[str | None] = strawberry.field(
        default=None, description="An https URL of at most 2048 characters."
    )
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=_IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=_REASON)


@strawberry.input(description="Whom to keep out.")
class BlockUserInput:
    user_id: str = strawberry.field(description="Whose profile.")
    revoke_devices: bool = strawberry.field(default=True, description="Revoke the user's devices in the same step.")
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=_IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=_REASON)


@strawberry.input(description="A user to act on.")
class UserActionInput:
    user_id: str = strawberry.field(description="Whose profile.")
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=_IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=_REASON)


@strawberry.input(
    one_of=True, description="The other account: a tool names it, a user proves it with a fresh token of it."
)
class LinkedAccount:
    user_id: strawberry.Maybe[str]
    token: strawberry.Maybe[str]


@strawberry.input(description="An account to link.")
class LinkIdentityInput:
    user_id: str | None = strawberry.field(default=None, description=_USER_ID)
    secondary: LinkedAccount
    metadata: LinkMetadata = strawberry.field(
        default=LinkMetadata.KEEP_PRIMARY,
        description="Of user_metadata; where the caller may change them, of app_metadata too, and roles come along.",
    )
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=_IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=_REASON)


@strawberry.input(description="An identity to give back.")
class UnlinkIdentityInput:
    user_id: str | None = strawberry.field(default=None, description=_USER_ID)
    identity_id: strawberry.ID
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=_IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=_REASON)


@strawberry.input(description="A device to unlink.")
class UnlinkDeviceInput:
    user_id: str | None = strawberry.field(default=None, description=_USER_ID)
    device_id: str = strawberry.field(description="As `Device.deviceId`; in every application that it is known in.")
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=_IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=_REASON)


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
            metadata, target = info.context.services.metadata, _target(input)
            return await metadata.update(info.context.principal, USER_METADATA, target, input.patch, input.replace)

        return await user_payload(info, write())

    @strawberry.mutation(
        description="Merges into app_metadata, or replaces it.", directives=[authorized(UPDATE_APP_METADATA)]
    )
    async def update_app_metadata(self, info: Info, input: UpdateAppMetadataInput) -> UserPayload | None:
        async def write() -> WrittenUser:
            metadata, target = info.context.services.metadata, _target(input)
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
            return await info.context.services.root_attributes.update(info.context.principal, _target(input), values)

        return await user_payload(info, write())

    @strawberry.mutation(
        description="Keeps the user out: from then on their tokens are refused everywhere.",
        directives=[authorized(BLOCK_USER)],
    )
    async def block_user(self, info: Info, input: BlockUserInput) -> UserPayload | None:
        async def write() -> WrittenUser:
            blocks = info.context.services.blocks
            return await blocks.block(info.context.principal, _target(input), input.revoke_devices)

        return await user_payload(info, write())

    @strawberry.mutation(
        description="Lets the user in again, and every address from which too many logins failed.",
        directives=[authorized(BLOCK_USER)],
    )
    async def unblock_user(self, info: Info, input: UserActionInput) -> UserPayload | None:
        async def write() -> WrittenUser:
            return await info.context.services.blocks.unblock(info.context.principal, _target(input))

        return await user_payload(info, write())

    @strawberry.mutation(description="Revokes a device's credentials at once.", directives=[authorized(UNLINK_DEVICE)])
    async def unlink_device(self, info: Info, input: UnlinkDeviceInput) -> UserPayload | None:
        async def write() -> WrittenUser:
            devices = info.context.services.devices
            return await devices.unlink(info.context.principal, _target(input), input.device_id)

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
            return await identities.link(info.context.principal, _target(input), secondary, input.metadata)

        return await user_payload(info, write())

    @strawberry.mutation(
        description="Gives a linked account back, with its own ids, root attributes and metadata.",
        directives=[authorized(LINK_IDENTITY)],
    )
    async def unlink_identity(self, info: Info, input: UnlinkIdentityInput) -> UserPayload | None:
        async def write() -> WrittenUser:
            identities = info.context.services.identities
            return await identities.unlink(info.context.principal, _target(input), input.identity_id)

        return await user_payload(info, write())

    save_auth_connection: AuthConnectionPayload | None = strawberry.mutation(
        resolver=logins.save_auth_connection,
        description="Makes a connection, or changes its settings.",
        directives=[authorized(UPDATE_CONNECTIONS)],
    )
    save_login_rule: LoginRulePayload | None = strawberry.mutation(
        resolver=logins.save_login_rule,
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


def _target(input: Any) -> Target:
    """Refused for `ifVersion: null`: a lost variable must not write over what it was to guard."""
    if_version = input.if_version
    if if_version is not None and if_version.value is None:
        message = "ifVersion is a number; leave it out to write whatever the version is."
        raise Refused(ErrorCode.INVALID_INPUT, message, ("ifVersion",))
    return Target(input.user_id, None if if_version is None else if_version.value, input.reason)
