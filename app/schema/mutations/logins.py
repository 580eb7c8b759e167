"""What the login service reports."""

from typing import Any, Self

import strawberry
from strawberry.scalars import JSON

from app.domain.attributes.logs import LOG_EVENT
from app.domain.attributes.users import USER
from app.domain.ids import Key
from app.schema.context import Context, Info
from app.schema.mutation_fields import mutation
from app.schema.payloads import Payload, payload_type, read_written
from app.schema.scalars import DateTime, DeviceType, LoginFailureReason
from app.schema.types.logs import LogEventObject
from app.schema.types.users import UserObject
from app.services.failed_logins import FailedLogins
from app.services.login_reports import DeviceReport, FailureReport, LoginReport
from app.services.logins import Recorded, RecordLogins

_DATE = "When it was; now when left out. More than 5 minutes ahead is refused; an older login moves counters only."
_IP = "Where the user came from, IPv4 or IPv6."


@strawberry.input(description="A credential that the login service gave to a device.")
class DeviceCredentialInput(DeviceReport):
    device_id: str = strawberry.field(description="What the login service calls the device.")
    name: str | None = strawberry.field(default=None, description="For the user; else browser and system.")
    type: DeviceType = DeviceType.REFRESH_TOKEN
    token: str | None = strawberry.field(default=None, description="Only its SHA-256 is kept.")
    expires_at: DateTime | None = None


@strawberry.input(description="One login.")
class RecordLoginInput(LoginReport):
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
class RecordFailedLoginInput(FailureReport):
    connection: str
    identifier: str = strawberry.field(description="What was typed: an address, a name, a number, or the account's id.")
    reason: LoginFailureReason
    client_id: str | None = None
    client_name: str | None = None
    ip: str | None = strawberry.field(default=None, description=_IP)
    user_agent: str | None = None
    date: DateTime | None = None


@payload_type("What a login came to.")
class RecordLoginPayload(Payload):
    user: UserObject | None = None
    created: bool | None = strawberry.field(default=None, description="Whether this login made the profile.")
    log_event: LogEventObject | None = None

    @classmethod
    async def of(cls, info: Info, written: Recorded) -> Self:
        user: Any = await read_written(info, USER, written.user, "user")
        event: Any = await read_written(info, LOG_EVENT, written.event, "log_event")
        return cls(user=user, created=written.created, log_event=event)


@payload_type("What a failed login came to.")
class RecordFailedLoginPayload(Payload):
    kind = LOG_EVENT
    log_event: LogEventObject | None = None


@mutation(
    RecordLoginPayload,
    "What the login service reports after each login: creates or refreshes the profile.",
    RecordLogins.record,
)
async def record_login(context: Context, input: RecordLoginInput) -> Recorded:
    recorded = await context.services.logins.record(context.principal, input)
    # A user's token may just have got its profile.
    await context.look_again()
    return recorded


@mutation(
    RecordFailedLoginPayload,
    "What the login service reports after a login that failed; it changes no profile. Ten from one address keep that"
    " address out of the account.",
    FailedLogins.record,
)
async def record_failed_login(context: Context, input: RecordFailedLoginInput) -> Key:
    return await context.services.failed_logins.record(context.principal, input)
