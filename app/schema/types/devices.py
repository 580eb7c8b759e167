"""The type Device."""

import strawberry

from app.domain.attributes.devices import DEVICE
from app.schema.authorized import Node, row_type
from app.schema.enums import DeviceType
from app.schema.scalars import DateTime
from app.schema.types.logs import LocationObject


@row_type(
    DEVICE,
    "A device on which a user stays signed in. An application has a credential on it, such as a refresh token, of which"
    " this service stores only a hash.",
)
class DeviceObject(Node):
    id: strawberry.ID
    device_id: str
    name: str | None
    type: DeviceType
    client_id: str | None
    client_name: str | None
    created_at: DateTime
    last_used_at: DateTime | None
    expires_at: DateTime | None
    last_ip: str | None
    last_location: LocationObject | None
    user_agent: str | None
    # `deviceCredential` returns a device without its user, and the login service needs to know whose device it is.
    user_id: str | None
