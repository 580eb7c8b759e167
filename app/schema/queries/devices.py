"""The query `deviceCredential`, for the login service."""

from typing import Annotated, cast

import strawberry

from app.domain.attributes.devices import DEVICE
from app.domain.filters import Eq
from app.schema.authorized import authorized
from app.schema.context import Info
from app.schema.types.devices import DeviceObject
from app.services.devices import Devices
from app.services.use_cases import rule_of


@strawberry.type
class DeviceQueries:
    @strawberry.field(
        description="For the login service: looks up the device that a refresh token belongs to, before the token is"
        " accepted. null: the token is unknown, was revoked or has expired, or the user is blocked.",
        directives=[authorized(rule_of(Devices.find_active))],
    )
    async def device_credential(
        self,
        info: Info,
        token_hash: Annotated[
            str,
            strawberry.argument(
                description="The SHA-256 hash of the token, as 64 hexadecimal digits in lower case. Any other text is"
                " refused with BAD_USER_INPUT."
            ),
        ],
    ) -> DeviceObject | None:
        context = info.context
        key = await context.services.devices.find_active(context.principal, token_hash)
        if key is None:
            return None
        reads = context.services.reads
        # `find_active` has checked create:logins. `reads.get` would also require read:device_credentials, which a login
        # service does not need.
        row = await reads.get_written(context.principal, DEVICE, Eq("_id", key), info.context.selection(info))
        return cast("DeviceObject | None", row)
