"""What history tells of roles and permissions."""

from app.domain.logs import FieldChange
from app.domain.roles import permission_changes, role_changes

READ, WRITE, DESCRIBED = (
    {"api": "a", "name": "read"},
    {"api": "a", "name": "write"},
    {"api": "a", "name": "read", "description": "x"},
)


def test_history_tells_the_permissions_that_differ() -> None:
    assert permission_changes([READ], [READ]) == ()
    assert permission_changes([READ], [READ, WRITE]) == (FieldChange("permissions", None, [WRITE]),)
    assert permission_changes([READ, WRITE], [WRITE]) == (FieldChange("permissions", [READ], None),)
    assert permission_changes([READ], [DESCRIBED]) == (FieldChange("permissions", [READ], [DESCRIBED]),)


def test_history_tells_the_names_of_roles_that_differ() -> None:
    names = {1: "Editor", 2: "Owner"}
    assert role_changes([1], [1], names) == ()
    assert role_changes([], [2, 1], names) == (FieldChange("roles", None, ["Owner", "Editor"]),)
    assert role_changes([1, 2], [1], names) == (FieldChange("roles", ["Owner"], None),)
    # A role that was deleted meanwhile.
    assert role_changes([3], [], names) == ()
