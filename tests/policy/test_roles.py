"""Roles in policy: users do not change what they may do by changing a role that they have."""

from dataclasses import replace

import pytest

from app.domain.ids import Key
from app.domain.roles import Role
from app.policy.roles import changes_members, why_not_changed

READ, WRITE = {"api": "a", "name": "read"}, {"api": "a", "name": "write"}
ROLE = Role(id=Key(1), tenant="t", role_id="rol_editor", name="Editor", permissions=(READ, WRITE))
FOR_MEMBERS = [
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


@pytest.mark.parametrize(("after", "expected"), FOR_MEMBERS)
def test_name_and_permissions_are_changes_for_members(after: Role | None, expected: bool) -> None:
    assert changes_members(ROLE, after) is expected
    assert (why_not_changed(ROLE, after, is_own=True) is not None) is expected


@pytest.mark.parametrize("after", [each for each, _ in FOR_MEMBERS])
def test_role_of_others_may_be_changed(after: Role | None) -> None:
    assert why_not_changed(ROLE, after, is_own=False) is None
