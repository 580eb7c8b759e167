"""Roles: sets of permissions that users are given together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.errors import ErrorCode, Refused
from app.domain.metadata import is_well_formed

MAX_ROLES = 50
MAX_PERMISSIONS = 1_000
# Characters.
MAX_NAME = 100
MAX_DESCRIPTION = 500
MAX_PERMISSION = 280
MAX_API = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """As stored; `role_id` is what tokens and arguments name it by. `permissions` are `name` and `api`."""

    id: Any
    tenant: str
    role_id: str
    name: str
    description: str | None = None
    permissions: tuple[Mapping[str, str], ...] = ()


def check_role(name: str | None, description: str | None) -> None:
    """Refused with INVALID_INPUT. None is not asked about."""
    if name is not None and not _is_text(name, MAX_NAME):
        raise _invalid(f"name takes 1 to {MAX_NAME} characters.", "name")
    if description is not None and not (description == "" or _is_text(description, MAX_DESCRIPTION)):
        raise _invalid(f"description takes at most {MAX_DESCRIPTION} characters.", "description")


def to_permissions(given: Iterable[tuple[str, str]]) -> tuple[Mapping[str, str], ...]:
    """Of (api, name); each once, in their order. Refused with INVALID_INPUT, TOO_LARGE."""
    found: dict[tuple[str, str], Mapping[str, str]] = {}
    for api, name in given:
        if not _is_text(api, MAX_API) or not _is_text(name, MAX_PERMISSION):
            message = f"A permission has a name of 1 to {MAX_PERMISSION} characters and an api of 1 to {MAX_API}."
            raise _invalid(message, "permissions")
        found[api, name] = {"name": name, "api": api}
    check_count(found, MAX_PERMISSIONS, "permissions")
    return tuple(found.values())


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


def permission_key(permission: Mapping[str, str]) -> tuple[str, str]:
    """By what two permissions are one."""
    return permission["api"], permission["name"]


def _is_text(value: str, limit: int) -> bool:
    return 0 < len(value.strip()) <= len(value) <= limit and is_well_formed(value) and value.isprintable()


def _invalid(message: str, name: str) -> Refused:
    return Refused(ErrorCode.INVALID_INPUT, message, (name,))
