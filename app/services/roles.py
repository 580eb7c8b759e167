"""Roles and permissions: creates, changes and deletes roles, and assigns roles and permissions to users."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.domain.commits import Changes
from app.domain.errors import ErrorCode, Forbidden, Refused
from app.domain.ids import Key
from app.domain.logs import LogEvent, LogEventType
from app.domain.permissions import Permission
from app.domain.principals import Principal
from app.domain.roles import (
    MAX_ROLES,
    Role,
    added,
    check_count,
    check_role,
    granted,
    permission_changes,
    removed,
    revoked,
    role_changes,
    to_permissions,
)
from app.domain.rules import (
    ASSIGN_ROLES,
    CREATE_ROLES,
    DELETE_ROLES,
    GRANT_PERMISSIONS,
    UNASSIGN_ROLES,
    UPDATE_ROLES,
    Rule,
)
from app.domain.users import User
from app.policy.roles import changes_members, why_not_changed
from app.policy.rules import require_for_any_profile
from app.services.callers import Callers
from app.services.tenant_changes import Condition, TenantChanges
from app.services.use_cases import requires
from app.services.writes import Target, Writes
from app.store.database import new_id
from app.store.errors import Taken
from app.store.roles import RoleStore
from app.store.snapshots import Snapshots


class Roles:
    """Use cases of roles and permissions.

    `on_deleted` is called after the deletion of a role, to start the job that removes its id from profiles.
    """

    def __init__(
        self,
        writes: Writes,
        callers: Callers,
        roles: RoleStore,
        snapshots: Snapshots,
        on_deleted: Callable[[], None],
    ) -> None:
        self._writes = writes
        self._callers = callers
        self._roles = roles
        self._snapshots = snapshots
        self._on_deleted = on_deleted
        self._tenant_changes = TenantChanges(callers)

    @requires(CREATE_ROLES)
    async def create(
        self,
        principal: Principal | None,
        rule: Rule,
        name: str,
        description: str | None,
        permissions: Sequence[Permission],
        reason: str | None,
    ) -> Key:
        """Creates a role and returns its `_id`.

        Raises Forbidden, and Refused with INVALID_INPUT, ALREADY_EXISTS, TOO_LARGE or CONTENDED.
        """
        caller = await self._callers.authorize(principal, rule)
        check_role(name, description)
        key = new_id()
        role = Role(
            id=key,
            tenant=caller.tenant,
            role_id=f"rol_{key}",
            name=name,
            description=description or None,
            permissions=to_permissions(permissions),
        )

        async def attempt(caller: Principal) -> Role:
            event = self._event(caller, LogEventType.ROLE_CREATED, None, role, reason)
            await self._roles.insert(role, event)
            return role

        await self._write(caller, role.role_id, Condition(reason=reason), attempt)
        return key

    @requires(UPDATE_ROLES)
    async def update(
        self,
        principal: Principal | None,
        rule: Rule,
        role_id: str,
        given: Mapping[str, Any],
        condition: Condition,
    ) -> Key:
        """Changes a role and returns its `_id`. `given` can have `name`, `description` and `permissions`.

        Values that are not in `given` stay. Raises what `create` raises, Forbidden also when the change affects the
        caller's own rights, VersionConflict, and Refused with NOT_FOUND.
        """
        caller = await self._callers.authorize(principal, rule)
        check_role(given.get("name"), given.get("description"))
        values = dict(given)
        if "description" in given:
            values["description"] = given["description"] or None

        async def attempt(caller: Principal) -> Role:
            before = await self._one(caller, role_id, condition)
            after = _changed(before, values)
            if after == before:
                return before
            await self._check_own(caller, before, after)
            event = self._event(caller, LogEventType.ROLE_UPDATED, before, after, condition.reason)
            await self._roles.replace(before, after, event)
            return after

        return (await self._write(caller, role_id, condition, attempt)).id

    @requires(DELETE_ROLES)
    async def delete(self, principal: Principal | None, rule: Rule, role_id: str, condition: Condition) -> None:
        """Deletes a role. All its users lose it at the same moment.

        Raises Forbidden also for a role that the caller has, VersionConflict, and Refused with NOT_FOUND or CONTENDED.
        """
        caller = await self._callers.authorize(principal, rule)

        async def attempt(caller: Principal) -> Role:
            role = await self._one(caller, role_id, condition)
            await self._check_own(caller, role, None)
            event = self._event(caller, LogEventType.ROLE_DELETED, role, None, condition.reason)
            await self._roles.delete(role, event)
            return role

        await self._write(caller, role_id, condition, attempt)
        # Profiles still contain the id of the role, which has no effect. A job removes it, because that takes long when
        # the role has many users.
        self._on_deleted()

    async def _write(
        self,
        caller: Principal,
        role_id: str,
        condition: Condition,
        attempt: Callable[[Principal], Awaitable[Role]],
    ) -> Role:
        try:
            role = await self._tenant_changes.apply(caller, f"role:{role_id}", condition, attempt)
        except Taken:
            raise Refused(ErrorCode.ALREADY_EXISTS, "Another role has this name.", ("name",)) from None
        self._snapshots.forget(caller.tenant)
        return role

    @requires(ASSIGN_ROLES)
    async def assign(self, principal: Principal | None, rule: Rule, target: Target, role_ids: Sequence[str]) -> User:
        """Assigns roles to a user.

        Raises what `Writes.apply` raises, and Refused with NOT_FOUND for an unknown role, or TOO_LARGE.
        """
        return await self._change(principal, target, role_ids, rule, LogEventType.ROLES_ASSIGNED, added)

    @requires(UNASSIGN_ROLES)
    async def unassign(self, principal: Principal | None, rule: Rule, target: Target, role_ids: Sequence[str]) -> User:
        """Removes roles from a user. Raises what `assign` raises."""
        return await self._change(principal, target, role_ids, rule, LogEventType.ROLES_UNASSIGNED, removed)

    @requires(GRANT_PERMISSIONS)
    async def grant(
        self, principal: Principal | None, rule: Rule, target: Target, permissions: Sequence[Permission]
    ) -> User:
        """Grants permissions directly to a user.

        Raises what `Writes.apply` raises, and Refused with INVALID_INPUT or TOO_LARGE.
        """

        def decide(user: User) -> Changes:
            return _permissions_changed(LogEventType.PERMISSIONS_GRANTED, user, granted(user.permissions, permissions))

        return await self._writes.apply(principal, rule, target, decide)

    @requires(GRANT_PERMISSIONS)
    async def revoke(
        self, principal: Principal | None, rule: Rule, target: Target, permissions: Sequence[Permission]
    ) -> User:
        """Revokes permissions that were granted directly to a user. Raises what `grant` raises."""

        def decide(user: User) -> Changes:
            return _permissions_changed(LogEventType.PERMISSIONS_REVOKED, user, revoked(user.permissions, permissions))

        return await self._writes.apply(principal, rule, target, decide)

    async def _change(
        self,
        principal: Principal | None,
        target: Target,
        role_ids: Sequence[str],
        rule: Rule,
        type_: LogEventType,
        how: Callable[[Sequence[Key], Iterable[Key]], tuple[Key, ...]],
    ) -> User:
        # A caller who may not assign roles must not learn which roles exist.
        principal = require_for_any_profile(principal, rule, target.is_self(principal))
        named = await self._roles.find(principal.tenant, role_ids)
        if len(named) != len(set(role_ids)) or not role_ids:
            raise Refused(ErrorCode.NOT_FOUND, "There is no such role.", ("roleIds",))

        def decide(user: User) -> Changes:
            after = how(user.role_ids, [each.id for each in named])
            check_count(after, MAX_ROLES, "roles")
            audit = role_changes(user.role_ids, after, {each.id: each.name for each in named})
            return Changes(type_, {"role_ids": after}, audit=audit)

        return await self._writes.apply(principal, rule, target, decide)

    async def _check_own(self, caller: Principal, before: Role, after: Role | None) -> None:
        """Raises Forbidden when the change would affect the rights of the caller's own profile."""
        # An application has no profile, so nothing is looked up for it.
        own = caller.profile_ids()
        is_own = bool(own) and changes_members(before, after) and await self._roles.is_assigned(before, own)
        reason = why_not_changed(before, after, is_own)
        if reason is not None:
            raise Forbidden(reason)

    async def _one(self, principal: Principal, role_id: str, condition: Condition) -> Role:
        found = await self._roles.find(principal.tenant, [role_id])
        if not found:
            raise Refused(ErrorCode.NOT_FOUND, "There is no such role.", ("roleId",))
        [role] = found
        condition.check_version(role.version, role, "role")
        return role

    def _event(
        self, principal: Principal, type_: LogEventType, before: Role | None, after: Role | None, reason: str | None
    ) -> LogEvent:
        role, events = after or before, self._writes.events
        assert role
        named = {"roleId": role.role_id}
        return events.of_tenant(principal, type_, named, _details(before), _details(after), reason)


def _permissions_changed(type_: LogEventType, user: User, after: Sequence[Mapping[str, str]]) -> Changes:
    return Changes(type_, {"permissions": after}, audit=permission_changes(user.permissions, after))


def _details(role: Role | None) -> dict[str, Any] | None:
    if role is None:
        return None
    return {
        "name": role.name,
        "description": role.description,
        "permissions": list(role.permissions),
        "version": role.version,
    }


def _changed(before: Role, values: Mapping[str, Any]) -> Role:
    """Returns the role after the change, with the next version if a value differs."""
    if "permissions" in values:
        values = {**values, "permissions": to_permissions(values["permissions"], before.permissions)}
    after = replace(before, **values)
    return before if after == before else replace(after, version=before.version + 1)
