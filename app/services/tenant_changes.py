"""The one way of writing roles, connections and login rules: authorize, load, decide, commit."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from app.domain.errors import VersionConflict
from app.domain.logs import check_reason
from app.domain.principals import Principal
from app.services.callers import Callers
from app.services.contention import Contention

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Condition:
    """At which version a write may happen, and why it happens. `if_version` None takes any version."""

    if_version: int | None = None
    reason: str | None = None

    def check_version(self, version: int, current: object, what: str) -> None:
        """VersionConflict with the current object. `what` names it for a person."""
        if self.if_version is not None and self.if_version != version:
            raise VersionConflict(self.if_version, version, current, what)


class TenantChanges:
    """Writers of one object in this process take turns. Writers of several processes try again."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self._contention = Contention()

    async def apply(
        self, principal: Principal, key: str, condition: Condition, attempt: Callable[[Principal], Awaitable[T]]
    ) -> T:
        """What `attempt` returns, which writes once. It is called again when another writer committed first.

        It is given the caller as the database has them at that moment. `key` names the object in its tenant.
        UserBlocked; Refused with INVALID_INPUT for the reason, CONTENDED, or by `attempt`.
        """
        check_reason(condition.reason)

        async def run() -> T:
            # The caller may be blocked or linked while this write waits for others.
            return await attempt(await self._callers.confirm(principal))

        return await self._contention.run((principal.tenant, key), run)
