"""What the login service reports, and how users come in."""

from collections.abc import Awaitable
from typing import cast

import strawberry
from strawberry.scalars import JSON

from app.domain import attributes
from app.domain.connections import AuthConnection as WrittenConnection
from app.domain.errors import Refused
from app.schema.connections import AuthConnection
from app.schema.context import Info
from app.schema.logs import LogEvent
from app.schema.payloads import MutationError, read_written, to_errors
from app.schema.scalars import DateTime, DeviceType, LoginFailureReason, SyncRootAttributes
from app.schema.users import User
from app.services.login_reports import DeviceReport, FailureReport, LoginReport
from app.services.reads import authenticated

_DATE = "When it was; now when left out. More than 5 minutes ahead is refused; an older login moves counters only."
_IP = "Where the user came from, IPv4 or IPv6."


@strawberry.input(description="A credential that the login service gave to a device.")
class DeviceCredentialInput:
    device_id: str = strawberry.field(description="What the login service calls the device.")
    name: str | None = strawberry.field(default=None, description="For the user; else browser and system.")
    type: DeviceType = DeviceType.REFRESH_TOKEN
    token: str | None = strawberry.field(default=None, description="Only its SHA-256 is kept.")
    expires_at: DateTime | None = None


@strawberry.input(description="One login.")
class RecordLoginInput:
    connection: str = strawberry.field(description="By which the user came in.")
    profile: JSON = strawberry.field(description="The provider's profile, as it came.")
    client_id: str | None = strawberry.field(default=None, description="The application that was signed in to.")
    client_name: str | None = None
    ip: str | None = strawberry.field(default=None, description=_IP)
    user_agent: str | None = None
    date: DateTime | None = strawberry.field(default=None, description=_DATE)
    device: DeviceCredentialInput | None = None
    access_token: str | None = strawberry.field(
        default=None, description="What the provider issued for this user; kept encrypted."
    )
    refresh_token: str | None = strawberry.field(default=None, description="Likewise.")
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="Sent again within 24 hours, it gets the same answer and records nothing. Yours alone: other"
        " clients' keys are others.",
    )


@strawberry.input(description="One login that failed.")
class RecordFailedLoginInput:
    connection: str
    identifier: str = strawberry.field(description="What was typed: an address, a name, a number, or the account's id.")
    reason: LoginFailureReason
    client_id: str | None = None
    client_name: str | None = None
    ip: str | None = strawberry.field(default=None, description=_IP)
    user_agent: str | None = None
    date: DateTime | None = None


@strawberry.input(description="A connection's settings. Its strategy stays what it was first.")
class SaveAuthConnectionInput:
    name: str = strawberry.field(description="1 to 128 letters, digits and hyphens, no hyphen first.")
    strategy: str = strawberry.field(description="auth0, custom, email, sms, google-oauth2, samlp, ...")
    import_mode: bool = strawberry.field(default=False, description="For custom: whether users are copied in.")
    sync_root_attributes: SyncRootAttributes = SyncRootAttributes.ON_EACH_LOGIN
    allows_sign_up: bool = strawberry.field(
        default=False, description="For database connections: whether users may make their own account."
    )


@strawberry.input(description="Whether a login rule runs.")
class SaveLoginRuleInput:
    name: str
    enabled: bool


@strawberry.type(description="What a login came to.")
class RecordLoginPayload:
    user: User | None
    created: bool | None = strawberry.field(description="Whether this login made the profile.")
    log_event: LogEvent | None
    errors: list[MutationError]


@strawberry.type(description="What a failed login came to.")
class RecordFailedLoginPayload:
    log_event: LogEvent | None
    errors: list[MutationError]


@strawberry.type(description="The connection as it is now.")
class AuthConnectionPayload:
    auth_connection: AuthConnection | None
    errors: list[MutationError]


@strawberry.type(description="A small function that is run in each login, before the profile is written.")
class LoginRule:
    name: str
    title: str
    enabled: bool = strawberry.field(description="Whether it runs for this tenant.")


@strawberry.type(description="The rule as it is now.")
class LoginRulePayload:
    login_rule: LoginRule | None
    errors: list[MutationError]


async def record_login(info: Info, input: RecordLoginInput) -> RecordLoginPayload | None:
    device = input.device
    report = LoginReport(
        connection=input.connection,
        profile=input.profile,
        client_id=input.client_id,
        client_name=input.client_name,
        ip=input.ip,
        user_agent=input.user_agent,
        date=input.date,
        device=None
        if device is None
        else DeviceReport(
            device_id=device.device_id,
            type=device.type,
            name=device.name,
            token=device.token,
            expires_at=device.expires_at,
        ),
        access_token=input.access_token,
        refresh_token=input.refresh_token,
        idempotency_key=input.idempotency_key,
    )
    try:
        recorded = await info.context.services.logins.record(info.context.principal, report)
    except Refused as refusal:
        return RecordLoginPayload(user=None, created=None, log_event=None, errors=to_errors([refusal]))
    user = await read_written(info, attributes.USER, recorded.user, "user")
    event = await read_written(info, attributes.LOG_EVENT, recorded.event, "log_event")
    return RecordLoginPayload(
        user=cast("User | None", user), created=recorded.created, log_event=cast("LogEvent | None", event), errors=[]
    )


async def record_failed_login(info: Info, input: RecordFailedLoginInput) -> RecordFailedLoginPayload | None:
    report = FailureReport(
        connection=input.connection,
        identifier=input.identifier,
        reason=input.reason,
        client_id=input.client_id,
        client_name=input.client_name,
        ip=input.ip,
        user_agent=input.user_agent,
        date=input.date,
    )
    try:
        key = await info.context.services.logins.fail(info.context.principal, report)
    except Refused as refusal:
        return RecordFailedLoginPayload(log_event=None, errors=to_errors([refusal]))
    event = await read_written(info, attributes.LOG_EVENT, key, "log_event")
    return RecordFailedLoginPayload(log_event=cast("LogEvent | None", event), errors=[])


async def save_auth_connection(info: Info, input: SaveAuthConnectionInput) -> AuthConnectionPayload | None:
    principal = authenticated(info.context.principal)
    connection = WrittenConnection(
        tenant=principal.tenant,
        name=input.name,
        strategy=input.strategy,
        import_mode=input.import_mode,
        sync_root_attributes=input.sync_root_attributes,
        allows_sign_up=input.allows_sign_up,
    )
    try:
        key = await info.context.services.connections.save(principal, connection)
    except Refused as refusal:
        return AuthConnectionPayload(auth_connection=None, errors=to_errors([refusal]))
    row = await read_written(info, attributes.CONNECTION, key, "auth_connection")
    return AuthConnectionPayload(auth_connection=cast("AuthConnection | None", row), errors=[])


async def save_login_rule(info: Info, input: SaveLoginRuleInput) -> LoginRulePayload | None:
    connections = info.context.services.connections

    async def save() -> LoginRule:
        return cast("LoginRule", await connections.enable_rule(info.context.principal, input.name, input.enabled))

    return await _rule_payload(save())


async def login_rules(info: Info) -> list[LoginRule] | None:
    return cast("list[LoginRule]", await info.context.services.connections.rules(info.context.principal))


async def _rule_payload(save: Awaitable[LoginRule]) -> LoginRulePayload:
    try:
        return LoginRulePayload(login_rule=await save, errors=[])
    except Refused as refusal:
        return LoginRulePayload(login_rule=None, errors=to_errors([refusal]))
