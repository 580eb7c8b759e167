"""The mutation unlinkDevice."""

import strawberry

from app.domain.users import User
from app.schema.context import Context
from app.schema.inputs import ProfileInput, write_input
from app.schema.mutation_fields import mutation
from app.schema.payloads import UserPayload
from app.services.devices import Devices


@write_input("The device to unlink.")
class UnlinkDeviceInput(ProfileInput):
    # Not the global id: a device has one object for each application, and the user wants to sign out of all of them.
    device_id: str = strawberry.field(description="The `Device.deviceId` of the device.")


@mutation(
    UserPayload,
    "Unlinks a device: revokes its credentials for all applications. An access token that was issued before stays"
    " valid until it expires. `User.version` does not change.",
    Devices.unlink,
)
async def unlink_device(context: Context, input: UnlinkDeviceInput) -> User:
    return await context.services.devices.unlink(context.principal, input.target(), input.device_id)
