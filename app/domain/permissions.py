"""Permissions of users: those that were granted directly, those of roles, and the union of both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class PermissionSourceType(StrEnum):
    DIRECT = "DIRECT"
    ROLE = "ROLE"


@dataclass(frozen=True, slots=True)
class Permission:
    """A permission for an API. `api` is the identifier of the API, and `name` is unique in it."""

    name: str
    api: str
    description: str | None = None

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "Permission":
        return cls(stored["name"], stored["api"], stored.get("description"))


@dataclass(frozen=True, slots=True)
class PermissionSource:
    """How a user got a permission. `role_id` and `role_name` are None for a permission that was granted directly."""

    type: PermissionSourceType
    role_id: str | None = None
    role_name: str | None = None


@dataclass(frozen=True, slots=True)
class UserPermission:
    """A permission that a user has, with all its sources."""

    name: str
    api: str
    description: str | None
    sources: list[PermissionSource]


def count_granted(direct: Sequence[Mapping[str, Any]], roles: Iterable[Mapping[str, Any]]) -> int:
    """Returns the number of permissions before duplicates are combined."""
    return len(direct) + sum(len(role.get("permissions", ())) for role in roles)


def effective_permissions(
    direct: Iterable[Mapping[str, Any]], roles: Iterable[Mapping[str, Any]]
) -> list[UserPermission]:
    """Returns the union of both, sorted by API and name.

    The direct source of a permission comes first, then its roles in their order. The description is the first that a
    source has.
    """
    found: dict[tuple[str, str], UserPermission] = {}
    given = [(each, PermissionSource(PermissionSourceType.DIRECT)) for each in direct]
    for role in roles:
        source = PermissionSource(PermissionSourceType.ROLE, role["role_id"], role["name"])
        given += [(each, source) for each in role.get("permissions", [])]
    for stored, source in given:
        known = found.setdefault(
            (stored["api"], stored["name"]),
            UserPermission(stored["name"], stored["api"], None, []),
        )
        # All sources stay: to revoke a permission, an administrator must know every way in which the user has it.
        known.sources.append(source)
        if known.description is None and stored.get("description"):
            found[known.api, known.name] = replace(known, description=stored["description"])
    return [found[key] for key in sorted(found)]
