"""Connections and login rules: creates, changes and deletes connections, and enables login rules."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.domain.connections import AuthConnection, changed_connection, check_connection_name, new_connection
from app.domain.errors import ErrorCode, Refused
from app.domain.login_rules import LoginRule
from app.domain.logs import LogEvent, LogEventType
from app.domain.principals import Principal
from app.domain.rules import READ_CONNECTIONS, UPDATE_CONNECTIONS, Rule
from app.policy.rules import require
from app.services.callers import Callers
from app.services.events import Events
from app.services.tenant_changes import Condition, TenantChanges
from app.services.use_cases import requires
from app.store.connections import ConnectionStore
from app.store.database import new_id
from app.store.errors import Taken
from app.store.snapshots import Snapshots


@dataclass(frozen=True, slots=True)
class EnabledRule:
    """An installed login rule, and whether the tenant has enabled it. A rule that was never changed has version 1."""

    name: str
    title: str
    enabled: bool
    version: int


class Connections:
    """Use cases of connections and login rules.

    `rules` are the installed login rules. `issuers_of` are the pairs (tenant, connection) in the configured issuers.
    """

    def __init__(
        self,
        callers: Callers,
        events: Events,
        connections: ConnectionStore,
        snapshots: Snapshots,
        rules: Sequence[LoginRule],
        issuers_of: Collection[tuple[str, str | None]] = (),
    ) -> None:
        self._callers = callers
        self._connections = connections
        self._snapshots = snapshots
        self._rules = rules
        self._issuers_of = frozenset(issuers_of)
        self._events = events
        self._changes = TenantChanges(callers)

    @requires(UPDATE_CONNECTIONS)
    async def save(
        self, principal: Principal | None, rule: Rule, name: str, given: Mapping[str, Any], condition: Condition
    ) -> AuthConnection:
        """Creates a connection, or changes the settings in `given`. Other settings stay; the strategy cannot change.

        Raises Forbidden, VersionConflict, and Refused with INVALID_INPUT, NOT_FOUND or CONTENDED.
        """
        caller = await self._callers.authorize(principal, rule)
        check_connection_name("name", name)

        async def attempt(caller: Principal) -> AuthConnection:
            before = await self._connections.find(caller.tenant, name)
            after = _apply_settings(caller.tenant, name, before, given, condition)
            if after == before:
                return before
            event = _event(self._events, caller, name, before, after, condition.reason)
            await self._connections.write(before, after, event)
            return after

        saved = await self._changes.apply(caller, f"connection:{name}", condition, attempt)
        self._snapshots.forget(caller.tenant)
        return saved

    @requires(UPDATE_CONNECTIONS)
    async def delete(self, principal: Principal | None, rule: Rule, name: str, condition: Condition) -> str:
        """Deletes a connection and returns its name.

        Raises Forbidden, VersionConflict, and Refused with NOT_FOUND or CONTENDED, or with NOT_EDITABLE while the
        connection has users or an issuer names it.
        """
        caller = await self._callers.authorize(principal, rule)

        async def attempt(caller: Principal) -> str:
            before = await self._connections.find(caller.tenant, name)
            if before is None:
                raise _unknown()
            condition.check_version(before.version, before, "connection")
            # Without the connection, no token of this issuer would find its profile any more.
            if (caller.tenant, name) in self._issuers_of:
                message = "An issuer in PROFILE_API_ISSUERS names this connection. Change the issuer first."
                raise Refused(ErrorCode.NOT_EDITABLE, message, ("name",))
            event = _event(self._events, caller, name, before, None, condition.reason)
            try:
                await self._connections.delete(before, event)
            except Taken:
                message = "This connection has users. Delete its users first."
                raise Refused(ErrorCode.NOT_EDITABLE, message, ("name",)) from None
            return name

        deleted = await self._changes.apply(caller, f"connection:{name}", condition, attempt)
        self._snapshots.forget(caller.tenant)
        return deleted

    async def rules(self, principal: Principal | None) -> list[EnabledRule]:
        """Returns all installed login rules, ordered by name. Raises Unauthenticated and Forbidden."""
        principal = require(principal, READ_CONNECTIONS)
        known = await self._connections.rules(principal.tenant)
        rules = [_enabled(each, known.get(each.name)) for each in self._rules]
        return sorted(rules, key=lambda rule: rule.name)

    @requires(UPDATE_CONNECTIONS)
    async def enable_rule(
        self, principal: Principal | None, rule: Rule, name: str, enabled: bool, condition: Condition
    ) -> EnabledRule:
        """Enables or disables a login rule for the tenant.

        Raises Forbidden, VersionConflict, and Refused with CONTENDED, or NOT_FOUND for a rule that is not installed.
        """
        caller = await self._callers.authorize(principal, rule)
        installed = next((each for each in self._rules if each.name == name), None)
        if installed is None:
            raise Refused(ErrorCode.NOT_FOUND, "No login rule with this name is installed.", ("name",))

        async def attempt(caller: Principal) -> EnabledRule:
            known = (await self._connections.rules(caller.tenant)).get(name)
            before = _enabled(installed, known)
            condition.check_version(before.version, before, "login rule")
            if before.enabled == enabled:
                return before
            after = replace(before, enabled=enabled, version=before.version + 1)
            event = _rule_event(self._events, caller, before, after, condition.reason)
            new = (after.enabled, after.version)
            await self._connections.write_rule(caller.tenant, name, known, new, event)
            return after

        return await self._changes.apply(caller, f"rule:{name}", condition, attempt)


def _apply_settings(
    tenant: str, name: str, before: AuthConnection | None, given: Mapping[str, Any], condition: Condition
) -> AuthConnection:
    if before is not None:
        condition.check_version(before.version, before, "connection")
        return changed_connection(before, given)
    # A caller who names a version means a connection that exists. It must not be created again after a deletion.
    if condition.if_version is not None:
        raise _unknown()
    return new_connection(new_id(), tenant, name, given)


def _unknown() -> Refused:
    return Refused(ErrorCode.NOT_FOUND, "There is no connection with this name.", ("name",))


def _enabled(rule: LoginRule, known: tuple[bool, int] | None) -> EnabledRule:
    return EnabledRule(rule.name, rule.title, *(known or (False, 1)))


def _event(
    events: Events,
    principal: Principal,
    name: str,
    before: AuthConnection | None,
    after: AuthConnection | None,
    reason: str | None,
) -> LogEvent:
    if before is None:
        type_ = LogEventType.AUTH_CONNECTION_CREATED
    else:
        type_ = LogEventType.AUTH_CONNECTION_DELETED if after is None else LogEventType.AUTH_CONNECTION_UPDATED
    return events.of_tenant(principal, type_, {"authConnection": name}, _details(before), _details(after), reason)


def _rule_event(
    events: Events, principal: Principal, before: EnabledRule, after: EnabledRule, reason: str | None
) -> LogEvent:
    old, new = ({"enabled": each.enabled, "version": each.version} for each in (before, after))
    named = {"loginRule": before.name}
    return events.of_tenant(principal, LogEventType.LOGIN_RULE_UPDATED, named, old, new, reason)


def _details(connection: AuthConnection | None) -> dict[str, Any] | None:
    if connection is None:
        return None
    return {
        "strategy": connection.strategy,
        "importMode": connection.import_mode,
        "syncRootAttributes": str(connection.sync_root_attributes),
        "allowsSignUp": connection.allows_sign_up,
        "version": connection.version,
    }
