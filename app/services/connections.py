"""Connections and login rules: how users come in, and what is run when they do."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.connections import AuthConnection
from app.domain.errors import ErrorCode, Refused
from app.domain.login_rules import LoginRule
from app.domain.principals import Principal
from app.domain.rules import READ_CONNECTIONS, UPDATE_CONNECTIONS
from app.services.reads import require
from app.store.connections import Connections as StoredConnections
from app.store.snapshots import Snapshots

# Auth0's, so that no name holds what keys and user ids are divided by.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,127}", re.ASCII)


@dataclass(frozen=True, slots=True)
class EnabledRule:
    """A login rule that is installed, and whether it runs for this tenant."""

    name: str
    title: str
    enabled: bool


class Connections:
    """`rules` are those that are installed."""

    def __init__(self, connections: StoredConnections, snapshots: Snapshots, rules: Sequence[LoginRule]) -> None:
        self._connections = connections
        self._snapshots = snapshots
        self._rules = rules

    async def save(self, principal: Principal | None, connection: AuthConnection) -> Any:
        """Makes it or changes its settings; its strategy stays. Returns its `_id`. Refused with INVALID_INPUT."""
        require(principal, UPDATE_CONNECTIONS)
        for name, value in (("name", connection.name), ("strategy", connection.strategy)):
            if not _NAME.fullmatch(value):
                message = f"{name} takes 1 to 128 letters, digits and hyphens, no hyphen first."
                raise Refused(ErrorCode.INVALID_INPUT, message, (name,))
        known = await self._connections.find(connection.tenant, connection.name)
        if known is not None and known.strategy != connection.strategy:
            message = f"The connection's strategy is {known.strategy}: its users' ids hold it, so it stays."
            raise Refused(ErrorCode.INVALID_INPUT, message, ("strategy",))
        saved = await self._connections.save(connection)
        self._snapshots.forget(connection.tenant)
        return saved

    async def rules(self, principal: Principal | None) -> list[EnabledRule]:
        """All that are installed, by name."""
        principal = require(principal, READ_CONNECTIONS)
        enabled = await self._connections.enabled_rules(principal.tenant)
        rules = [EnabledRule(each.name, each.title, each.name in enabled) for each in self._rules]
        return sorted(rules, key=lambda rule: rule.name)

    async def enable_rule(self, principal: Principal | None, name: str, enabled: bool) -> EnabledRule:
        """Refused with NOT_FOUND for a rule that is not installed."""
        principal = require(principal, UPDATE_CONNECTIONS)
        rule = next((each for each in self._rules if each.name == name), None)
        if rule is None:
            raise Refused(ErrorCode.NOT_FOUND, "No login rule of this name is installed.", ("name",))
        await self._connections.enable_rule(principal.tenant, name, enabled)
        return EnabledRule(rule.name, rule.title, enabled)
