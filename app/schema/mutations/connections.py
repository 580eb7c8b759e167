"""Changing how users come in: connections, and the login rules that run."""

from collections.abc import Awaitable
from typing import Any, cast

import strawberry

from app.domain.attributes.connections import CONNECTION
from app.domain.errors import Refused, VersionConflict
from app.schema.context import Info
from app.schema.costs import holds
from app.schema.inputs import IF_VERSION, REASON, given_fields, to_condition
from app.schema.payloads import ERRORS, MutationError, read_written, to_errors
from app.schema.scalars import SyncRootAttributes
from app.schema.types.connections import AuthConnection
from app.schema.types.login_rules import LoginRule

_SETTINGS = ("strategy", "import_mode", "sync_root_attributes", "allows_sign_up")


@strawberry.input(
    description="Makes a connection (`strategy` needed) or changes one. What is left out stays as it is; a new"
    " connection gets the default."
)
class SaveAuthConnectionInput:
    name: str = strawberry.field(description="1 to 128 letters, digits and hyphens. The first is not a hyphen.")
    strategy: strawberry.Maybe[str | None] = strawberry.field(
        default=None,
        description="auth0, custom, email, sms, google-oauth2, samlp, ... It stays what it was at creation.",
    )
    import_mode: strawberry.Maybe[bool | None] = strawberry.field(
        default=None, description="For custom: whether users are copied in. false by default."
    )
    sync_root_attributes: strawberry.Maybe[SyncRootAttributes | None] = strawberry.field(
        default=None, description="ON_EACH_LOGIN by default."
    )
    allows_sign_up: strawberry.Maybe[bool | None] = strawberry.field(
        default=None,
        description="For database connections: whether users may make their own account. false by default.",
    )
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(description="A connection to delete: only one that no user belongs to.")
class DeleteAuthConnectionInput:
    name: str
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.input(description="Whether a login rule runs.")
class SaveLoginRuleInput:
    name: str
    enabled: bool
    if_version: strawberry.Maybe[int | None] = strawberry.field(default=None, description=IF_VERSION)
    reason: str | None = strawberry.field(default=None, description=REASON)


@strawberry.type(
    description="The connection after the write. null when there is an error, except for VERSION_CONFLICT."
)
class AuthConnectionPayload:
    auth_connection: AuthConnection | None
    errors: list[MutationError] = holds(ERRORS)


@strawberry.type(description="The name of the connection that was deleted.")
class DeleteAuthConnectionPayload:
    deleted_name: str | None
    errors: list[MutationError] = holds(ERRORS)


@strawberry.type(description="The rule after the write. null when there is an error, except for VERSION_CONFLICT.")
class LoginRulePayload:
    login_rule: LoginRule | None
    errors: list[MutationError] = holds(ERRORS)


async def save_auth_connection(info: Info, input: SaveAuthConnectionInput) -> AuthConnectionPayload | None:
    connections, principal = info.context.services.connections, info.context.principal
    try:
        given = given_fields(input, _SETTINGS)
        saved = await connections.save(principal, input.name, given, to_condition(input))
    except VersionConflict as conflict:
        current = await _read(info, cast("Any", conflict.current).id)
        return AuthConnectionPayload(auth_connection=current, errors=to_errors([conflict]))
    except Refused as refusal:
        return AuthConnectionPayload(auth_connection=None, errors=to_errors([refusal]))
    return AuthConnectionPayload(auth_connection=await _read(info, saved.id), errors=[])


async def delete_auth_connection(info: Info, input: DeleteAuthConnectionInput) -> DeleteAuthConnectionPayload | None:
    connections = info.context.services.connections
    try:
        deleted = await connections.delete(info.context.principal, input.name, to_condition(input))
    except Refused as refusal:
        return DeleteAuthConnectionPayload(deleted_name=None, errors=to_errors([refusal]))
    return DeleteAuthConnectionPayload(deleted_name=deleted, errors=[])


async def save_login_rule(info: Info, input: SaveLoginRuleInput) -> LoginRulePayload | None:
    connections, principal = info.context.services.connections, info.context.principal

    async def save() -> LoginRule:
        condition = to_condition(input)
        return cast("LoginRule", await connections.enable_rule(principal, input.name, input.enabled, condition))

    return await _rule_payload(save())


async def _rule_payload(save: Awaitable[LoginRule]) -> LoginRulePayload:
    try:
        return LoginRulePayload(login_rule=await save, errors=[])
    except VersionConflict as conflict:
        return LoginRulePayload(login_rule=cast("LoginRule", conflict.current), errors=to_errors([conflict]))
    except Refused as refusal:
        return LoginRulePayload(login_rule=None, errors=to_errors([refusal]))


async def _read(info: Info, key: Any) -> AuthConnection | None:
    return cast("AuthConnection | None", await read_written(info, CONNECTION, key, "auth_connection"))
