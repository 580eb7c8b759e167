"""What the login service reports."""

from typing import cast

import strawberry
from strawberry.scalars import JSON

from app.domain.attributes.logs import LOG_EVENT
from app.domain.attributes.users import USER
from app.domain.errors import Refused
from app.schema.context import Info
from app.schema.costs import holds
from app.schema.payloads import ERRORS, MutationError, read_written, to_errors
from app.schema.scalars import DateTime, DeviceType, LoginFailureReason
from app.schema.types.logs import LogEvent
from app.schema.types.users import User
from app.services.login_reports import DeviceReport, FailureReport, LoginReport

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
    profile: JSON = strawberry.field(description="The provider's profile, as it came. At most 64 levels.")
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
        description="A repeated request with the same key within 24 hours gets the same answer and records nothing."
        " Other clients may use the same key without conflict.",
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


@strawberry.type(description="What a login came to.")
class RecordLoginPayload:
    user: User | None
    created: bool | None = strawberry.field(description="Whether this login made the profile.")
    log_event: LogEvent | None
    errors: list[MutationError] = holds(ERRORS)


@strawberry.type(description="What a failed login came to.")
class RecordFailedLoginPayload:
    log_event: LogEvent | None
    errors: list[MutationError] = holds(ERRORS)


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
        # A user's token may just have got its profile.
        await info.context.look_again()
    except Refused as refusal:
        return RecordLoginPayload(user=None, created=None, log_event=None, errors=to_errors([refusal]))
    user = await read_written(info, USER, recorded.user, "user")
    event = await read_written(info, LOG_EVENT, recorded.event, "log_event")
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
    event = await read_written(info, LOG_EVENT, key, "log_event")
    return RecordFailedLoginPayload(log_event=cast("LogEvent | None", event), errors=[])
