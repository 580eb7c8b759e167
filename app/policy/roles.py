"""Roles: what users must not change of a role that they have themselves."""

from app.domain.roles import Role, permission_key


def changes_members(before: Role, after: Role | None) -> bool:
    """Returns whether a change of a role changes the rights of its users. `after` is None when the role is deleted.

    Descriptions and the order of the permissions do not matter.
    """
    # The name matters, because applications may decide by the names of a user's roles.
    if after is None or after.name != before.name:
        return True
    old, new = ({permission_key(each) for each in role.permissions} for role in (before, after))
    return old != new


def why_not_changed(before: Role, after: Role | None, is_own: bool) -> str | None:
    """Returns why the caller may not change or delete a role, in words for a person, or None.

    `is_own` is true when the caller's own profile, or an account that is linked to it, has the role.
    """
    # Users never write their own roles and permissions. By changing a role that they have, they would do so indirectly.
    if is_own and changes_members(before, after):
        action = "delete a role that you have" if after is None else "change the name or permissions of a role you have"
        return f"Not allowed to {action} yourself."
    return None
