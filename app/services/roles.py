"""Roles and permissions: made, changed, deleted, and given to users or taken from them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from app.domain.errors import ErrorCode, Refused
from app.domain.logs import FieldChange, LogEvent, LogEventType
from app.domain.permissions import Permission
from app.domain.principals import Principal
from app.domain.roles import (
    MAX_ROLES,
    Role,
    added,
    check_count,
    check_role,
    granted,
    removed,
    revoked,
    to_permissions,
)
from app.domain.rules import ASSIGN_ROLES, CREATE_ROLES, DELETE_ROLES, GRANT_PERMISSIONS, UNASSIGN_ROLES, UPDATE_ROLES
from app.domain.times import now
from app.domain.users import Changes, User
from app.services.changes import ProfileChanges, Target, check_reason, to_actor
from app.services.reads import require
from app.store.database import new_id
from app.store.roles import Roles as StoredRoles
from app.store.snapshots import Snapshots


class Roles:
    """`on_deleted` is told that there is something to clear."""

    def __init__(
        self, changes: ProfileChanges, roles: StoredRoles, snapshots: Snapshots, on_deleted: Callable[[], None]
    ) -> None:
        self._changes = changes
        self._roles = roles
        self._snapshots = snapshots
        self._on_deleted = on_deleted

    async def create(
        self,
        principal: Principal | None,
        name: str,
        description: str | None,
        permissions: Sequence[Permission],
        reason: str | None,
    ) -> Any:
        """The role's `_id`. Refused with INVALID_INPUT, ALREADY_EXISTS, TOO_LARGE."""
        principal = require(principal, CREATE_ROLES)
        check_reason(reason)
        check_role(name, description)
        key = new_id()
        role = Role(
            id=key,
            tenant=principal.tenant,
            role_id=f"rol_{key}",
            name=name,
            description=description or None,
            permissions=to_permissions(permissions),
        )
        if not await self._roles.insert(role, _event(principal, LogEventType.ROLE_CREATED, None, role, reason)):
            raise _taken()
        self._snapshots.forget(principal.tenant)
        return key

    async def update(
        self,
        principal: Principal | None,
        role_id: str,
        name: str | None,
        description: str | None,
        permissions: Sequence[Permission] | None,
        reason: str | None,
    ) -> Any:
        """None leaves as it is; an empty description clears. Refused with NOT_FOUND too."""
        principal = require(principal, UPDATE_ROLES)
        check_reason(reason)
        check_role(name, description)
        before = await self._one(principal, role_id)
        after = replace(
            before,
            name=before.name if name is None else name,
            description=before.description if description is None else description or None,
            permissions=before.permissions if permissions is None else to_permissions(permissions, before.permissions),
        )
        event = _event(principal, LogEventType.ROLE_UPDATED, before, after, reason)
        if after != before and not await self._roles.replace(after, event):
            raise _taken()
        self._snapshots.forget(principal.tenant)
        return after.id

    async def delete(self, principal: Principal | None, role_id: str, reason: str | None) -> None:
        """One step whatever its members; those who have it lose it with it. Refused with NOT_FOUND."""
        principal = require(principal, DELETE_ROLES)
        check_reason(reason)
        role = await self._one(principal, role_id)
        await self._roles.delete(role, _event(principal, LogEventType.ROLE_DELETED, role, None, reason))
        self._snapshots.forget(principal.tenant)
        self._on_deleted()

    async def assign(self, principal: Principal | None, target: Target, role_ids: Sequence[str]) -> User:
        """Raises what `ProfileChanges.apply` does; Refused with NOT_FOUND for a role, TOO_LARGE."""
        return await self._change(principal, target, role_ids, ASSIGN_ROLES, LogEventType.ROLES_ASSIGNED, added)

    async def unassign(self, principal: Principal | None, target: Target, role_ids: Sequence[str]) -> User:
        """Likewise."""
        return await self._change(principal, target, role_ids, UNASSIGN_ROLES, LogEventType.ROLES_UNASSIGNED, removed)

    async def grant(self, principal: Principal | None, target: Target, permissions: Sequence[Permission]) -> User:
        """Raises what `ProfileChanges.apply` does; Refused with INVALID_INPUT, TOO_LARGE."""

        def decide(user: User) -> Changes:
            return Changes(LogEventType.PERMISSIONS_GRANTED, {"permissions": granted(user.permissions, permissions)})

        return await self._changes.apply(principal, GRANT_PERMISSIONS, target, decide)

    async def revoke(self, principal: Principal | None, target: Target, permissions: Sequence[Permission]) -> User:
        """Of those that were granted directly. Likewise."""

        def decide(user: User) -> Changes:
            return Changes(LogEventType.PERMISSIONS_REVOKED, {"permissions": revoked(user.permissions, permissions)})

        return await self._changes.apply(principal, GRANT_PERMISSIONS, target, decide)

    async def _change(
        self,
        principal: Principal | None,
        target: Target,
        role_ids: Sequence[str],
        rule: Any,
        type_: LogEventType,
        how: Callable[[Sequence[Any], Iterable[Any]], tuple[Any, ...]],
    ) -> User:
        principal = self._changes.require(principal, rule)
        named = await self._roles.find(principal.tenant, role_ids)
        if len(named) != len(set(role_ids)) or not role_ids:
            raise Refused(ErrorCode.NOT_FOUND, "There is no such role.", ("roleIds",))

        def decide(user: User) -> Changes:
            after = how(user.role_ids, [each.id for each in named])
            check_count(after, MAX_ROLES, "roles")
            changed = [each.name for each in named if (each.id in user.role_ids) != (each.id in after)]
            gone, new = (changed, None) if how is removed else (None, changed)
            return Changes(type_, {"role_ids": after}, told=(FieldChange("roles", gone, new),))

        return await self._changes.apply(principal, rule, target, decide)

    async def _one(self, principal: Principal, role_id: str) -> Role:
        found = await self._roles.find(principal.tenant, [role_id])
        if not found:
            raise Refused(ErrorCode.NOT_FOUND, "There is no such role.", ("roleId",))
        return found[0]


def _event(
    principal: Principal, type_: LogEventType, before: Role | None, after: Role | None, reason: str | None
) -> LogEvent:
    """Of no user: what changed is in its details."""
    at, role = now(), after or before
    assert role
    details = {"roleId": role.role_id, "before": _told(before), "after": _told(after)}
    return LogEvent(
        id=new_id(),
        tenant=principal.tenant,
        type=type_,
        date=at,
        recorded_at=at,
        actor=to_actor(principal),
        client_id=principal.client_id,
        ip=principal.ip,
        user_agent=principal.user_agent,
        reason=reason,
        details=details,
    )


def _told(role: Role | None) -> dict[str, Any] | None:
    if role is None:
        return None
    told = asdict(role)
    return {name: told[name] for name in ("name", "description")} | {"permissions": list(role.permissions)}


def _taken() -> Refused:
    return Refused(ErrorCode.ALREADY_EXISTS, "Another role has this name.", ("name",))
