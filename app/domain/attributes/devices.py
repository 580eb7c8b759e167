"""What can be read of a device."""

from functools import partial

from app.domain.filters import Record
from app.domain.kinds import Kind, computed, global_id, stored
from app.domain.locations import read_location
from app.domain.rules import READ_DEVICES

DEVICE = Kind("Device", "devices", READ_DEVICES, None, owner="user", needs=("user",), lookups=("token_hash",))


def _name(record: Record) -> str | None:
    return record.get("name") or record.get("default_name")


_field = partial(stored, personal=True)

DEVICE.add(
    [
        global_id("Device", "Stays the same for as long as the device is linked.", personal=True),
        _field("device_id", "The login service's id of the device."),
        computed(
            "name",
            "The name that the login service gave it, or its browser and operating system.",
            _name,
            needs=("name", "default_name"),
            personal=True,
        ),
        _field("type", "The type of the credential."),
        _field("client_id", "The application that the credential belongs to."),
        _field("client_name", "The name of that application."),
        _field("created_at", "When the device was linked."),
        _field("last_used_at", "When it was last used to sign in."),
        _field("expires_at", "When the credential expires."),
        _field("last_ip", "The IP address from which it was last used."),
        _field("last_location", "The location of that IP address.", conversion=read_location),
        _field("user_agent", "The browser or program, as it identified itself."),
        _field("user_id", "The user whose device it is."),
    ]
)
