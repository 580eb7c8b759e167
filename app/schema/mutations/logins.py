"""The mutations recordLogin and recordFailedLogin, for the login service."""

from typing import Any, Self

import strawberry
from strawberry.scalars import JSON

from app.domain.attributes.logs import LOG_EVENT
from app.domain.attributes.users import USER
from app.domain.devices import MAX_DEVICES
from app.domain.ids import Key
from app.domain.logins import MAX_FAILURES, MAX_PROFILE_BYTES
from app.schema.context import Context, Info
from app.schema.enums import DeviceType, LoginFailureReason
from app.schema.inputs import CLIENT_NAME
from app.schema.mutation_fields import mutation
from app.schema.payloads import Payload, payload_type, read_written
from app.schema.scalars import DateTime
from app.schema.types.logs import LogEventObject
from app.schema.types.users import UserObject
from app.services.failed_logins import FailedLogins
from app.services.login_reports import MAX_PROFILE_DEPTH, DeviceReport, FailureReport, LoginReport
from app.services.logins import Recorded, RecordLogins

_IP = "The IP address of the user, IPv4 or IPv6."
_USER_AGENT = "The User-Agent header of the browser or application of the user."
_DATE = "When it happened. The default is now. A time more than 5 minutes in the future is refused."


# The inputs inherit from the reports of the services: Strawberry needs its own classes, but there is only one list of
# fields for the checks.
@strawberry.input(description="The device on which the user stays signed in, and its credential.")
class DeviceCredentialInput(DeviceReport):
    device_id: str = strawberry.field(
        description="The id that the login service gives to the device. A later login with the same id and application"
        " updates the device."
    )
    name: str | None = strawberry.field(
        default=None,
        description="The display name, at most 300 characters. The default is made of the browser and the operating"
        " system.",
    )
    type: DeviceType = strawberry.field(default=DeviceType.REFRESH_TOKEN, description="The type of the credential.")
    token: str | None = strawberry.field(
        default=None,
        description="The credential, such as a refresh token. Only its SHA-256 hash is stored. `deviceCredential`"
        " finds the device by this hash.",
    )
    expires_at: DateTime | None = strawberry.field(
        default=None, description="When the credential expires. The default is never."
    )


@strawberry.input(description="A login that succeeded.")
class RecordLoginInput(LoginReport):
    connection: str = strawberry.field(description="The name of the connection that the user signed in with.")
    profile: JSON = strawberry.field(
        description="The profile as a JSON object, exactly as the identity provider sent it, with at most"
        f" {MAX_PROFILE_DEPTH} levels. The strategy of the connection determines how it is read. A profile of more"
        f" than {MAX_PROFILE_BYTES // 1024} KB is accepted, but `Identity.profileData` does not store it."
    )
    client_id: str | None = strawberry.field(
        default=None, description="The client id of the application that the user signed in to."
    )
    client_name: str | None = strawberry.field(default=None, description=CLIENT_NAME)
    ip: str | None = strawberry.field(default=None, description=_IP)
    user_agent: str | None = strawberry.field(default=None, description=_USER_AGENT)
    date: DateTime | None = strawberry.field(
        default=None,
        description=f"{_DATE} A login that is older than the last login of the user only increases `loginsCount`. It"
        " changes no other value of the profile.",
    )
    device: DeviceCredentialInput | None = strawberry.field(
        default=None,
        description="The device, if the user stays signed in on it. For each user and application, the service"
        f" stores only the {MAX_DEVICES} devices that were used last.",
    )
    access_token: str | None = strawberry.field(
        default=None,
        description="The access token that the identity provider issued for this user. It is stored encrypted.",
    )
    refresh_token: str | None = strawberry.field(
        default=None,
        description="The refresh token that the identity provider issued for this user. It is stored encrypted.",
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="Your own id of this login, so that you can repeat the request after a lost connection. A request"
        " with the same key within 24 hours returns the result of the first one and records nothing. The same key with"
        " a different input is refused with INVALID_INPUT. Keys of different calling applications are independent.",
    )


@strawberry.input(description="A login that failed.")
class RecordFailedLoginInput(FailureReport):
    connection: str = strawberry.field(description="The name of the connection that the user tried to sign in with.")
    identifier: str = strawberry.field(
        description="What the user typed: the e-mail address, the username, or the phone number in E.164 format. The"
        " id of the account at the identity provider and the `userId` are accepted too."
    )
    reason: LoginFailureReason = strawberry.field(description="Why the login failed.")
    client_id: str | None = strawberry.field(
        default=None, description="The client id of the application that the user tried to sign in to."
    )
    client_name: str | None = strawberry.field(default=None, description=CLIENT_NAME)
    ip: str | None = strawberry.field(default=None, description=f"{_IP} Without it, the failure is not counted.")
    user_agent: str | None = strawberry.field(default=None, description=_USER_AGENT)
    date: DateTime | None = strawberry.field(default=None, description=_DATE)


@payload_type("The result of `recordLogin`.")
class RecordLoginPayload(Payload):
    user: UserObject | None = strawberry.field(
        default=None, description="The profile after the login. For a linked account: the profile that it is linked to."
    )
    created: bool | None = strawberry.field(
        default=None, description="Whether this login created the profile. null: see `errors`."
    )
    log_event: LogEventObject | None = strawberry.field(default=None, description="The event of this login.")

    @classmethod
    async def of(cls, info: Info, written: Recorded) -> Self:
        # Nothing is read unless the client selected it. Login services usually select `created` alone.
        user: Any = await read_written(info, USER, written.user, "user")
        event: Any = await read_written(info, LOG_EVENT, written.event, "log_event")
        return cls(user=user, created=written.created, log_event=event)


@payload_type("The result of `recordFailedLogin`.")
class RecordFailedLoginPayload(Payload):
    kind = LOG_EVENT
    log_event: LogEventObject | None = strawberry.field(
        default=None, description="The event of this failed login. null: see `errors`."
    )


@mutation(
    RecordLoginPayload,
    "For the login service: records a login that succeeded. The first login of an account creates the profile, and"
    " later logins update the profile. The profile, the identity, the device and the history change in one"
    " transaction. After the error USER_BLOCKED, NOT_FOUND or LOGIN_RULE_FAILED, do not let the user in.",
    RecordLogins.record,
)
async def record_login(context: Context, input: RecordLoginInput) -> Recorded:
    recorded = await context.services.logins.record(context.principal, input)
    # The login may have created the profile of the caller: from now on, reads of it count as reads of their own
    # profile.
    await context.refresh_caller()
    return recorded


@mutation(
    RecordFailedLoginPayload,
    f"For the login service: records a failed login. The profile does not change. After {MAX_FAILURES} failed"
    " logins to one account from one IP address, `recordLogin` refuses logins to this account from this IP address with"
    " USER_BLOCKED,"
    " until `unblockUser`, or until 30 days have passed without another failure.",
    FailedLogins.record,
)
async def record_failed_login(context: Context, input: RecordFailedLoginInput) -> Key:
    return await context.services.failed_logins.record(context.principal, input)
