"""Login rules in a login: finds those that the tenant has enabled, and applies them to the profile."""

from collections.abc import Sequence
from datetime import datetime

from app.domain.errors import ErrorCode, Refused
from app.domain.login_rules import LoginRule, LoginRuleFailed, apply_rule
from app.domain.logins import Login
from app.domain.users import User
from app.services.identifiers import primary_connection
from app.store.connections import ConnectionStore


class LoginRules:
    """`installed` are the login rules of this service; each tenant enables some of them.

    `max_metadata_bytes` is the maximum size of each metadata document.
    """

    def __init__(self, connections: ConnectionStore, installed: Sequence[LoginRule], max_metadata_bytes: int) -> None:
        self._connections = connections
        self._installed = installed
        self._max_metadata_bytes = max_metadata_bytes

    async def enabled(self, tenant: str) -> list[LoginRule]:
        """Returns the rules that the tenant has enabled, in the order in which they run."""
        enabled = await self._connections.enabled_rules(tenant)
        return [each for each in self._installed if each.name in enabled]

    async def apply(self, rules: Sequence[LoginRule], user: User, login: Login, at: datetime) -> User:
        """Returns the profile after the rules. Raises Refused with LOGIN_RULE_FAILED when a rule fails."""
        if not rules:
            return user
        is_primary = user.identities[0].connection == login.connection.name
        primary = login.connection if is_primary else await primary_connection(self._connections, user)
        try:
            for each in rules:
                user = apply_rule(each, user, login, primary, self._max_metadata_bytes, at)
        except LoginRuleFailed as failure:
            raise Refused(ErrorCode.LOGIN_RULE_FAILED, str(failure), ()) from failure
        return user
