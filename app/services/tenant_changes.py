"""The one way of writing what belongs to a tenant and to no user: roles, connections, login rules."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from app.domain.errors import VersionConflict
from app.domain.logs import LogEvent, LogEventType
from app.domain.principals import Principal
from app.domain.times import now
from app.services.callers import Callers
from app.services.changes import DEADLINE_SECONDS, Queue, check_reason, to_actor, wait
from app.store.database import new_id

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

    def __init__(self, callers: Callers, deadline: float = DEADLINE_SECONDS) -> None:
        self._callers = callers
        self._deadline = deadline
        self._queue = Queue()

    async def apply(
        self, principal: Principal, key: str, condition: Condition, attempt: Callable[[Principal], Awaitable[T | None]]
    ) -> T:
        """What `attempt` returns. It is called again when it returns None: another writer committed first.

        It is given the caller as the database has them at that moment.

        `key` names the object in its tenant. UserBlocked; Refused with INVALID_INPUT for the reason, CONTENDED, or by
        `attempt`.
        """
        check_reason(condition.reason)
        deadline = time.monotonic() + self._deadline
        async with self._queue.turn((principal.tenant, key), deadline):
            while True:
                # The caller may be blocked or linked while this write waits for others.
                caller = await self._callers.confirm(principal)
                done = await attempt(caller)
                if done is not None:
                    return done
                await wait(deadline)


def to_tenant_event(
    principal: Principal,
    type_: LogEventType,
    named: Mapping[str, str],
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    reason: str | None,
) -> LogEvent:
    """An event of no user. `named` says which object changed. The details have it, with the values before and after."""
    at = now()
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
        details={**named, "before": before, "after": after},
    )
