"""The attributes of a role."""

from functools import partial

from app.domain.filters import Record
from app.domain.kinds import Kind, Order, computed, global_id, paged, stored
from app.domain.permissions import Permission
from app.domain.rules import READ_ROLE_USERS, READ_ROLES

ROLE = Kind("Role", "roles", READ_ROLES, READ_ROLES, lookups=("name_folded",))


def _permissions(record: Record) -> list[Permission]:
    return [Permission.read(each) for each in record.get("permissions", [])]


_field = partial(stored, personal=True)

ROLE.add(
    [
        global_id("Role", "The global id. It stays the same for the life of the role.", personal=True),
        _field("role_id", "The readable id, such as rol_66f0c7d3a1b2c3d4e5f60718, for `role` and for mutations."),
        _field("name", "The name, such as Editor. It is unique in the tenant; upper and lower case count as equal."),
        _field("description", "What the role is for, in words for people. null: no description."),
        stored(
            "version",
            "1 when the role is created, and 1 more after each change. Send it as `ifVersion`, so that you do not"
            " overwrite a change of somebody else.",
            default=1,
        ),
        computed(
            "permissions",
            "The permissions that users get from the role.",
            _permissions,
            needs=("permissions",),
            personal=True,
        ),
        paged(
            "users",
            "The users who have the role, newest account first.",
            "User",
            order=Order("created_at", -1),
            owner="role_ids",
            read=READ_ROLE_USERS,
        ),
    ]
)
