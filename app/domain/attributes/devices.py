"""What can be read of a device."""

from app.domain.locations import read_location
from app.domain.rows import Kind, global_id, made, plain
from app.domain.rules import READ_DEVICES

DEVICE = Kind("Device", "devices", READ_DEVICES, None, owner="user", needs=("user",), lookups=("token_hash",))

DEVICE.add(
    [
        global_id("Stays the same for as long as the device is linked.", "personal"),
        plain("device_id", "What the login service calls it.", "personal"),
        made(
            "name",
            "As the login service named it, else its browser and system.",
            lambda row: row.record.get("name") or row.record.get("default_name"),
            ("name", "default_name"),
            "personal",
        ),
        plain("type", "What the credential is.", "personal"),
        plain("client_id", "The application that it belongs to.", "personal"),
        plain("client_name", "That application's name.", "personal"),
        plain("created_at", "When it was linked.", "personal"),
        plain("last_used_at", "When it was used to sign in last.", "personal"),
        plain("expires_at", "When the credential ends.", "personal"),
        plain("last_ip", "The address that it was used from last.", "personal"),
        made(
            "last_location",
            "Where that address is.",
            lambda row: read_location(row.record.get("last_location")),
            ("last_location",),
            "personal",
        ),
        plain("user_agent", "The browser or program, as it named itself.", "personal"),
        plain("user_id", "Whose device it is.", "personal"),
    ]
)
