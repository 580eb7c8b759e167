"""The effective permissions of a user, and the sources of each."""

from typing import Any

from app.domain.permissions import (
    Permission,
    PermissionSource,
    PermissionSourceType,
    UserPermission,
    effective_permissions,
)

DIRECT = PermissionSource(PermissionSourceType.DIRECT)


def permission(name: str, api: str = "api", **more: str) -> dict[str, str]:
    return {"name": name, "api": api, **more}


def role(name: str, *permissions: dict[str, str]) -> dict[str, Any]:
    return {"role_id": f"rol_{name}", "name": name, "permissions": list(permissions)}


def by(name: str) -> PermissionSource:
    return PermissionSource(PermissionSourceType.ROLE, f"rol_{name}", name)


def test_user_without_roles_has_no_permissions() -> None:
    assert effective_permissions([], []) == []
    assert effective_permissions([], [role("Empty"), {"role_id": "rol_bare", "name": "Bare"}]) == []


def test_permission_lists_all_of_its_sources() -> None:
    editor, viewer = role("Editor", permission("write"), permission("read")), role("Viewer", permission("read"))
    found = effective_permissions([permission("read")], [editor, viewer])
    assert found == [
        UserPermission("read", "api", None, [DIRECT, by("Editor"), by("Viewer")]),
        UserPermission("write", "api", None, [by("Editor")]),
    ]
    # The sources are in the order of the user's roles.
    [read, _] = effective_permissions([permission("read")], [viewer, editor])
    assert read.sources == [DIRECT, by("Viewer"), by("Editor")]


def test_same_name_in_another_api_is_another_permission() -> None:
    found = effective_permissions([permission("read", "b")], [role("A", permission("read", "a"))])
    assert [(each.api, each.name, each.sources) for each in found] == [
        ("a", "read", [by("A")]),
        ("b", "read", [DIRECT]),
    ]


def test_permissions_are_ordered_by_api_and_name() -> None:
    given = [permission("b", "y"), permission("a", "y"), permission("c", "x")]
    assert [(each.api, each.name) for each in effective_permissions(given, [])] == [("x", "c"), ("y", "a"), ("y", "b")]


def test_description_and_stored_fields_are_kept() -> None:
    stored = [permission("read", description="To read.")]
    roles = [role("Viewer", permission("read", description="Other words."))]
    for _ in range(2):
        [found] = effective_permissions(stored, roles)
        assert found.description == "To read."
        assert len(found.sources) == 2
    assert stored == [permission("read", description="To read.")]
    assert Permission.read(stored[0]) == Permission("read", "api", "To read.")
    assert Permission.read(permission("read")) == Permission("read", "api", None)


def test_description_comes_from_the_first_source_that_has_one() -> None:
    direct = [{"name": "read", "api": "a"}]
    roles = [
        {"role_id": each, "name": each, "permissions": [{"name": "read", "api": "a", "description": each}]}
        for each in ("one", "two")
    ]
    [found] = effective_permissions(direct, roles)
    assert (found.description, len(found.sources)) == ("one", 3)
