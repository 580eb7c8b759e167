"""Devices, as the login service asks for them."""

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
        description="The device whose credential has this SHA-256 and still stands; null where it was revoked, has"
        " expired, or its user is blocked.",
        directives=[authorized(rule_of(Devices.find_active))],
    )
    async def device_credential(
        self,
        info: Info,
        token_hash: Annotated[str, strawberry.argument(description="64 hexadecimal digits in lower case.")],
    ) -> DeviceObject | None:
        context = info.context
        key = await context.services.devices.find_active(context.principal, token_hash)
        if key is None:
            return None
        reads = context.services.reads
        row = await reads.get_written(context.principal, DEVICE, Eq("_id", key), info.context.selection(info))
        return cast("DeviceObject | None", row)
