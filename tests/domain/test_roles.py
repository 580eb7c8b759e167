"""The changes of roles and permissions in the history of a user."""

from app.domain.ids import Key
from app.domain.logs import FieldChange
from app.domain.roles import permission_changes, role_changes

READ, WRITE, DESCRIBED = (
    {"api": "a", "name": "read"},
    {"api": "a", "name": "write"},
    {"api": "a", "name": "read", "description": "x"},
)


def test_history_has_the_permissions_that_differ() -> None:
    assert permission_changes([READ], [READ]) == ()
    assert permission_changes([READ], [READ, WRITE]) == (FieldChange("permissions", None, [WRITE]),)
    assert permission_changes([READ, WRITE], [WRITE]) == (FieldChange("permissions", [READ], None),)
    assert permission_changes([READ], [DESCRIBED]) == (FieldChange("permissions", [READ], [DESCRIBED]),)


def test_history_has_the_names_of_roles_that_differ() -> None:
    editor, owner, deleted = Key(1), Key(2), Key(3)
    names = {editor: "Editor", owner: "Owner"}
    assert role_changes([editor], [editor], names) == ()
    assert role_changes([], [owner, editor], names) == (FieldChange("roles", None, ["Owner", "Editor"]),)
    assert role_changes([editor, owner], [editor], names) == (FieldChange("roles", ["Owner"], None),)
    # Another request deleted the role.
    assert role_changes([deleted], [], names) == ()
