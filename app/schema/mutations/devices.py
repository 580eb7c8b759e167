"""Unlinking devices."""

import strawberry

from app.domain.users import User
from app.schema.context import Context
from app.schema.inputs import ProfileInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import UserPayload
from app.services.devices import Devices


@write_input("A device to unlink.")
class UnlinkDeviceInput(ProfileInput):
    device_id: str = strawberry.field(description="As `Device.deviceId`; in every application that it is known in.")


@mutation(UserPayload, "Revokes a device's credentials at once.", Devices.unlink)
async def unlink_device(context: Context, input: UnlinkDeviceInput) -> User:
    return await context.services.devices.unlink(context.principal, input.target(), input.device_id)
