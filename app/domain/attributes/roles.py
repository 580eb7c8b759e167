"""What can be read of a role."""

from app.domain.permissions import Permission
from app.domain.rows import Kind, global_id, made, once, plain
from app.domain.rules import READ_ROLE_USERS, READ_ROLES

ROLE = Kind("Role", "roles", READ_ROLES, READ_ROLES, lookups=("name_folded",))

ROLE.add(
    [
        global_id("Stays the same for the life of the role.", "personal"),
        plain("role_id", "What roles are named by in arguments and in tokens.", "personal"),
        plain("name", "Unique in the tenant, without regard to case.", "personal"),
        plain("description", "What the role is for.", "personal"),
        plain(
            "version",
            "1 at creation, one more after each change. Give it back as `ifVersion` to refuse a lost update.",
            default=1,
        ),
        made(
            "permissions",
            "What its holders may do.",
            once("permissions", lambda row: [Permission.read(each) for each in row.record.get("permissions", [])]),
            ("permissions",),
            "personal",
        ),
        made("users", "Who has the role.", lambda row: None, (), read=READ_ROLE_USERS),
    ]
)
