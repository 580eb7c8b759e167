"""Roles: sets of permissions that users are given together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.errors import ErrorCode, Refused
from app.domain.ids import Key
from app.domain.logs import FieldChange
from app.domain.metadata import is_well_formed
from app.domain.permissions import Permission

MAX_ROLES = 50
MAX_PERMISSIONS = 1_000
# Characters.
MAX_NAME = 100
MAX_DESCRIPTION = 500
MAX_PERMISSION = 280
MAX_API = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """As stored. Tokens and arguments name it by `role_id`. A permission has `name`, `api` and maybe `description`.

    `version` is 1 at creation and one more after each change.
    """

    id: Key
    tenant: str
    role_id: str
    name: str
    description: str | None = None
    permissions: tuple[Mapping[str, str], ...] = ()
    version: int = 1


def check_role(name: str | None, description: str | None) -> None:
    """Refused with INVALID_INPUT. None is not asked about."""
    if name is not None and not _is_text(name, MAX_NAME):
        raise _invalid(f"name takes 1 to {MAX_NAME} characters.", "name")
    if description is not None and not (description == "" or _is_text(description, MAX_DESCRIPTION)):
        raise _invalid(f"description takes at most {MAX_DESCRIPTION} characters.", "description")


def check_name_contains(text: str) -> None:
    """Refused with INVALID_INPUT when no name of a role could contain the text."""
    if text and not (len(text) <= MAX_NAME and text.isprintable()):
        message = f"nameContains takes at most {MAX_NAME} characters, none of them a control character."
        raise _invalid(message, "nameContains")


def to_permissions(
    given: Iterable[Permission], before: Sequence[Mapping[str, str]] = ()
) -> tuple[Mapping[str, str], ...]:
    """Each permission once, in the order given. Refused with INVALID_INPUT, TOO_LARGE.

    A description that is left out stays as it is in `before`; an empty one is removed.
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
    """`before` with the given permissions, those that are there already with their new description."""
    new = {permission_key(each): each for each in to_permissions(given, before)}
    after = tuple({**{permission_key(each): each for each in before}, **new}.values())
    check_count(after, MAX_PERMISSIONS, "permissions")
    return after


def revoked(before: Sequence[Mapping[str, str]], given: Sequence[Permission]) -> tuple[Mapping[str, str], ...]:
    """`before` without the given permissions. Refused with INVALID_INPUT when one of them has a description."""
    if any(each.description is not None for each in given):
        raise _invalid("api and name alone say which permission to revoke: leave the description out.", "permissions")
    return removed(before, to_permissions(given), permission_key)


def _check_permission(given: Permission) -> None:
    if not _is_text(given.api, MAX_API) or not _is_text(given.name, MAX_PERMISSION):
        message = f"A permission has a name of 1 to {MAX_PERMISSION} characters and an api of 1 to {MAX_API}."
        raise _invalid(message, "permissions")
    if given.description and not _is_text(given.description, MAX_DESCRIPTION):
        message = f"The description of a permission takes at most {MAX_DESCRIPTION} characters on one line."
        raise _invalid(message, "permissions")


def _described(given: Permission, before: Mapping[str, str] | None) -> Mapping[str, str]:
    description = (before or {}).get("description") if given.description is None else given.description
    permission = {"name": given.name, "api": given.api}
    return {**permission, "description": description} if description else permission


def check_count(things: Any, limit: int, name: str) -> None:
    """Refused with TOO_LARGE."""
    if len(things) > limit:
        raise Refused(ErrorCode.TOO_LARGE, f"At most {limit} {name}.", (name,))


def added(before: Sequence[Any], more: Iterable[Any], same: Any = lambda each: each) -> tuple[Any, ...]:
    """With what is not there yet; `same` says by what two are one."""
    known = {same(each) for each in before}
    return (*before, *(each for each in more if same(each) not in known))


def removed(before: Sequence[Any], less: Iterable[Any], same: Any = lambda each: each) -> tuple[Any, ...]:
    gone = {same(each) for each in less}
    return tuple(each for each in before if same(each) not in gone)


def permission_changes(
    before: Sequence[Mapping[str, str]], after: Sequence[Mapping[str, str]]
) -> tuple[FieldChange, ...]:
    """What history tells: the permissions that differ. All of them could be too large to be kept."""
    old, new = ({tuple(sorted(each.items())): each for each in some} for some in (before, after))
    return _lost_and_gained(
        "permissions", [old[key] for key in old if key not in new], [new[key] for key in new if key not in old]
    )


def role_changes(before: Sequence[Key], after: Sequence[Key], names: Mapping[Key, str]) -> tuple[FieldChange, ...]:
    """What history tells: the names of the roles that differ. A role that does not exist any more has no name."""
    lost, gained = [each for each in before if each not in after], [each for each in after if each not in before]
    return _lost_and_gained(
        "roles", [names[each] for each in lost if each in names], [names[each] for each in gained if each in names]
    )


def _lost_and_gained(path: str, lost: list[Any], gained: list[Any]) -> tuple[FieldChange, ...]:
    return (FieldChange(path, lost or None, gained or None),) if lost or gained else ()


def permission_key(permission: Mapping[str, str]) -> tuple[str, str]:
    """By what two permissions are one."""
    return permission["api"], permission["name"]


def _is_text(value: str, limit: int) -> bool:
    return 0 < len(value.strip()) <= len(value) <= limit and is_well_formed(value) and value.isprintable()


def _invalid(message: str, name: str) -> Refused:
    return Refused(ErrorCode.INVALID_INPUT, message, (name,))
