"""Roles: what a user must not change of a role that they hold themselves."""

from app.domain.roles import Role, permission_key


def changes_members(before: Role, after: Role | None) -> bool:
    """Whether a change of a role is a change for the users who have it. `after` is None when the role is deleted.

    The name counts, because applications may decide by the names of a user's roles. Descriptions do not count, and
    neither does the order of the permissions.
    """
    if after is None or after.name != before.name:
        return True
    old, new = ({permission_key(each) for each in role.permissions} for role in (before, after))
    return old != new


def why_not_changed(before: Role, after: Role | None, is_own: bool) -> str | None:
    """Why the caller may not change or delete a role, for a person; None when they may.

    `is_own` says whether the caller's own profile, or an account that is linked to it, has the role. Users never write
    their own roles and permissions, so they do not do it by way of the role either.
    """
    if is_own and changes_members(before, after):
        action = "delete a role that you have" if after is None else "change the name or permissions of a role you have"
        return f"Not allowed to {action} yourself."
    return None
