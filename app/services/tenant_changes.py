"""Writes of roles, connections and login rules: all of them use this module."""

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
    """The version that a write requires, and the reason for the history.

    When `if_version` is None, the version does not matter.
    """

    if_version: int | None = None
    reason: str | None = None

    def check_version(self, version: int, current: object, what: str) -> None:
        """Raises VersionConflict with the current object. `what` is the name of the kind, for a person."""
        if self.if_version is not None and self.if_version != version:
            raise VersionConflict(self.if_version, version, current, what)


class TenantChanges:
    """Executes writes. Writes of one object in this process run one after the other; other processes try again."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self._contention = Contention()

    async def apply(
        self, principal: Principal, key: str, condition: Condition, attempt: Callable[[Principal], Awaitable[T]]
    ) -> T:
        """Calls `attempt` with the current caller, and returns its result. `key` names the object in its tenant.

        When another writer committed first, `attempt` is called again. Raises UserBlocked, Refused with INVALID_INPUT
        for an invalid reason or with CONTENDED, and what `attempt` raises.
        """
        check_reason(condition.reason)

        async def run() -> T:
            # The caller may have been blocked or linked while this write waited for others.
            return await attempt(await self._callers.confirm(principal))

        return await self._contention.run((principal.tenant, key), run)
