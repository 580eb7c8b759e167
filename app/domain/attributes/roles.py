"""What can be read of a role."""

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
        global_id("Role", "Stays the same for the life of the role.", personal=True),
        _field("role_id", "Identifies the role in arguments and in tokens."),
        _field("name", "Unique in the tenant, without regard to case."),
        _field("description", "What the role is for."),
        stored(
            "version",
            "1 at creation, and one more after each change. Send it as `ifVersion` to refuse a lost update.",
            default=1,
        ),
        computed(
            "permissions", "What users with the role may do.", _permissions, needs=("permissions",), personal=True
        ),
        paged(
            "users",
            "The users who have the role.",
            "User",
            order=Order("created_at", -1),
            owner="role_ids",
            read=READ_ROLE_USERS,
        ),
    ]
)
