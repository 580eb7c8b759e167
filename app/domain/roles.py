"""Roles: sets of permissions that are assigned to users together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key
from app.domain.logs import FieldChange
from app.domain.metadata import is_well_formed
from app.domain.permissions import Permission

# Maximum number of roles of one user.
MAX_ROLES = 50
# Maximum number of permissions of one role, and of permissions that one user has directly.
MAX_PERMISSIONS = 1_000
# Maximum lengths in characters.
MAX_NAME = 100
MAX_DESCRIPTION = 500
MAX_PERMISSION = 280
MAX_API = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A stored role. `role_id` identifies it in tokens and arguments. `version` is 1 at first and grows with changes.

    A permission has the fields `name` and `api`, and possibly `description`.
    """

    id: Key
    tenant: str
    role_id: str
    name: str
    description: str | None = None
    permissions: tuple[Mapping[str, str], ...] = ()
    version: int = 1


def check_role(name: str | None, description: str | None) -> None:
    """Raises Refused with INVALID_INPUT for an invalid name or description. A value of None is not checked."""
    if name is not None and not _is_text(name, MAX_NAME):
        raise _invalid(f"name must have 1 to {MAX_NAME} printable characters.", "name")
    if description is not None and not (description == "" or _is_text(description, MAX_DESCRIPTION)):
        raise _invalid(f"description must have at most {MAX_DESCRIPTION} printable characters.", "description")


def check_name_contains(text: str) -> None:
    """Raises Refused with INVALID_INPUT when the name of a role cannot contain the text."""
    if text and not (len(text) <= MAX_NAME and text.isprintable()):
        message = f"nameContains must have at most {MAX_NAME} printable characters."
        raise _invalid(message, "nameContains")


def to_permissions(
    given: Iterable[Permission], before: Sequence[Mapping[str, str]] = ()
) -> tuple[Mapping[str, str], ...]:
    """Returns the permissions for storing, each once, in their order.

    A description of None stays as it is in `before`. An empty description removes the stored one. Raises Refused with
    INVALID_INPUT for an invalid permission, TOO_LARGE for more than MAX_PERMISSIONS.
    """
    known = {permission_key(each): each for each in before}
    found: dict[tuple[str, str], Mapping[str, str]] = {}
    for each in given:
        _check_permission(each)
        key = each.api, each.name
        found[key] = _described(each, found.get(key) or known.get(key))
    check_count(found, MAX_PERMISSIONS, "permissions")
    return tuple(found.values())


def granted(before: Sequence[Mapping[str, str]], given: Iterable[Permission]) -> tuple[Mapping[str, str], ...]:
    """Returns `before` with the given permissions. A permission that is already there gets its new description.

    Raises Refused with INVALID_INPUT or TOO_LARGE.
    """
    new = {permission_key(each): each for each in to_permissions(given, before)}
    after = tuple({**{permission_key(each): each for each in before}, **new}.values())
    check_count(after, MAX_PERMISSIONS, "permissions")
    return after


def revoked(before: Sequence[Mapping[str, str]], given: Sequence[Permission]) -> tuple[Mapping[str, str], ...]:
    """Returns `before` without the given permissions.

    Raises Refused with INVALID_INPUT when one of them is invalid or has a description.
    """
    # A caller may expect that a permission with another description stays, so a description is refused.
    if any(each.description is not None for each in given):
        raise _invalid("To revoke a permission, send its api and name without a description.", "permissions")
    return removed(before, to_permissions(given), permission_key)


def _check_permission(given: Permission) -> None:
    if not _is_text(given.api, MAX_API) or not _is_text(given.name, MAX_PERMISSION):
        message = (
            f"The name of a permission must have 1 to {MAX_PERMISSION} printable characters,"
            f" and its api must have 1 to {MAX_API}."
        )
        raise _invalid(message, "permissions")
    if given.description and not _is_text(given.description, MAX_DESCRIPTION):
        message = f"The description of a permission must have at most {MAX_DESCRIPTION} printable characters."
        raise _invalid(message, "permissions")


def _described(given: Permission, before: Mapping[str, str] | None) -> Mapping[str, str]:
    description = (before or {}).get("description") if given.description is None else given.description
    permission = {"name": given.name, "api": given.api}
    return {**permission, "description": description} if description else permission


def check_count(things: Any, limit: int, name: str) -> None:
    """Raises Refused with TOO_LARGE when there are more than `limit` things."""
    if len(things) > limit:
        raise Refused(ErrorCode.TOO_LARGE, f"There can be at most {limit} {name}.", (name,))


def added(before: Sequence[Any], more: Iterable[Any], same: Any = lambda each: each) -> tuple[Any, ...]:
    """Returns `before` with the new items of `more`. Items are equal when `same` returns the same value for them."""
    known = {same(each) for each in before}
    return (*before, *(each for each in more if same(each) not in known))


def removed(before: Sequence[Any], less: Iterable[Any], same: Any = lambda each: each) -> tuple[Any, ...]:
    """Returns `before` without the items of `less`. `same` works as in `added`."""
    gone = {same(each) for each in less}
    return tuple(each for each in before if same(each) not in gone)


def permission_changes(
    before: Sequence[Mapping[str, str]], after: Sequence[Mapping[str, str]]
) -> tuple[FieldChange, ...]:
    """Returns the change for the log event: only the permissions that differ."""
    # All permissions of a user could exceed the size limit of a log event.
    old, new = ({tuple(sorted(each.items())): each for each in some} for some in (before, after))
    return _lost_and_gained(
        "permissions", [old[key] for key in old if key not in new], [new[key] for key in new if key not in old]
    )


def role_changes(before: Sequence[Key], after: Sequence[Key], names: Mapping[Key, str]) -> tuple[FieldChange, ...]:
    """Returns the change for the log event: the names of the roles that differ. Deleted roles are left out."""
    lost, gained = [each for each in before if each not in after], [each for each in after if each not in before]
    return _lost_and_gained(
        "roles", [names[each] for each in lost if each in names], [names[each] for each in gained if each in names]
    )


def _lost_and_gained(path: str, lost: list[Any], gained: list[Any]) -> tuple[FieldChange, ...]:
    return (FieldChange(path, lost or None, gained or None),) if lost or gained else ()


def permission_key(permission: Mapping[str, str]) -> tuple[str, str]:
    """Returns the values that identify a permission."""
    return permission["api"], permission["name"]


def _is_text(value: str, limit: int) -> bool:
    return 0 < len(value.strip()) <= len(value) <= limit and is_well_formed(value) and value.isprintable()


def _invalid(message: str, name: str) -> Refused:
    return Refused(ErrorCode.INVALID_INPUT, message, (name,))
