"""Permissions: what comes directly, what comes with a role, and their union."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class PermissionSourceType(StrEnum):
    DIRECT = "DIRECT"
    ROLE = "ROLE"


@dataclass(frozen=True, slots=True)
class Permission:
    """`name` is unique within `api`, the identifier of a resource server."""

    name: str
    api: str
    description: str | None = None

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "Permission":
        return cls(stored["name"], stored["api"], stored.get("description"))


@dataclass(frozen=True, slots=True)
class PermissionSource:
    """`role_id` and `role_name` where the source is a role."""

    type: PermissionSourceType
    role_id: str | None = None
    role_name: str | None = None


@dataclass(frozen=True, slots=True)
class UserPermission:
    """A permission that a user has, and all the ways it came."""

    name: str
    api: str
    description: str | None
    sources: list[PermissionSource]


def count_granted(direct: Sequence[Mapping[str, Any]], roles: Iterable[Mapping[str, Any]]) -> int:
    """How many there are before the same ones are joined."""
    return len(direct) + sum(len(role.get("permissions", ())) for role in roles)


def effective_permissions(
    direct: Iterable[Mapping[str, Any]], roles: Iterable[Mapping[str, Any]]
) -> list[UserPermission]:
    """The union, by API and name; the direct source stands first, roles in their order.

    The first source that has a description gives it.
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
        known.sources.append(source)
        if known.description is None and stored.get("description"):
            found[known.api, known.name] = replace(known, description=stored["description"])
    return [found[key] for key in sorted(found)]
