"""The attributes of a device."""

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
        global_id("Device", "The global id. It stays the same as long as the device is linked.", personal=True),
        _field("device_id", "The id that the login service gave to the device, for `unlinkDevice`."),
        computed(
            "name",
            "The name that the login service reported, or else the browser and the operating system: Firefox on Linux.",
            _name,
            needs=("name", "default_name"),
            personal=True,
        ),
        _field("type", "The type of the credential that the application has on the device."),
        _field("client_id", "The client id of the application that the credential belongs to. null: not reported."),
        _field("client_name", "The display name of the application. null: not reported."),
        _field("created_at", "When the user first signed in on the device."),
        _field("last_used_at", "When the user last signed in on the device."),
        _field(
            "expires_at",
            "When the credential expires. null: it does not expire, or the login service did not report it.",
        ),
        _field("last_ip", "The IP address of the last sign-in, IPv4 or IPv6. null: not reported."),
        _field(
            "last_location",
            "The location of `lastIp` at the time of the sign-in. null: not known.",
            conversion=read_location,
        ),
        _field("user_agent", "The text of the User-Agent header at the last sign-in. null: not reported."),
        _field("user_id", "The `userId` of the user."),
    ]
)
