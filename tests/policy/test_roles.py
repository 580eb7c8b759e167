"""Roles: users do not change their own rights by changing a role that they have."""

from dataclasses import replace

import pytest

from app.domain.ids import Key
from app.domain.roles import Role
from app.policy.roles import changes_members, why_not_changed

READ, WRITE = {"api": "a", "name": "read"}, {"api": "a", "name": "write"}
ROLE = Role(id=Key(1), tenant="t", role_id="rol_editor", name="Editor", permissions=(READ, WRITE))
# The role after the change, and whether the change affects the rights of its users.
CHANGES = [
    (None, True),
    (replace(ROLE, name="Admin"), True),
    (replace(ROLE, permissions=()), True),
    (replace(ROLE, permissions=(READ,)), True),
    (replace(ROLE, permissions=(READ, WRITE, {"api": "b", "name": "read"})), True),
    (replace(ROLE, permissions=(READ, {"api": "b", "name": "write"})), True),
    (replace(ROLE, description="Edits", version=2), False),
    (replace(ROLE, permissions=({**READ, "description": "Reads"}, WRITE)), False),
    (replace(ROLE, permissions=(WRITE, READ)), False),
    (ROLE, False),
]


@pytest.mark.parametrize(("after", "affects_users"), CHANGES)
def test_own_role_keeps_its_name_and_permissions(after: Role | None, affects_users: bool) -> None:
    assert changes_members(ROLE, after) is affects_users
    assert (why_not_changed(ROLE, after, is_own=True) is not None) is affects_users


@pytest.mark.parametrize("after", [each for each, _ in CHANGES])
def test_every_change_of_a_role_of_others_is_allowed(after: Role | None) -> None:
    assert why_not_changed(ROLE, after, is_own=False) is None


def test_refusal_names_the_change_of_the_role() -> None:
    deleted = why_not_changed(ROLE, None, is_own=True)
    renamed = why_not_changed(ROLE, replace(ROLE, name="Admin"), is_own=True)
    assert deleted == "Not allowed to delete a role that you have yourself."
    assert renamed == "Not allowed to change the name or permissions of a role you have yourself."
