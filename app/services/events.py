"""Log events: the one place that builds them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.domain.commits import Changes
from app.domain.logs import Actor, FieldChange, LogEvent, LogEventType, diff
from app.domain.principals import Principal
from app.domain.times import now
from app.domain.users import User
from app.geo.locations import LocationDatabase
from app.store.database import new_id

# Stored beside the values that they describe, and no change of their own.
_NOT_AUDITED = frozenset({"provenance"})


class Events:
    """`locations` finds where an IP address is."""

    def __init__(self, locations: LocationDatabase) -> None:
        self._locations = locations

    def build(
        self,
        tenant: str,
        type_: LogEventType,
        ip: str | None,
        user: User | None = None,
        date: datetime | None = None,
        **more: Any,
    ) -> LogEvent:
        """An event that is recorded now, about `user` or the tenant. `more` are other fields of LogEvent."""
        at = now()
        return LogEvent(
            id=new_id(),
            tenant=tenant,
            type=type_,
            date=date or at,
            recorded_at=at,
            user=user.id if user else None,
            user_id=user.user_id if user else None,
            user_name=user.name if user else None,
            ip=ip,
            location=self.locate(ip),
            **more,
        )

    def locate(self, ip: str | None) -> Mapping[str, Any] | None:
        """Where the IP address is, as far as that is known."""
        return self._locations.find(ip)

    def of_profile(
        self,
        principal: Principal,
        after: User,
        changes: Changes,
        reason: str | None,
        audit: tuple[FieldChange, ...] = (),
    ) -> LogEvent:
        """A change of a profile. `actor` is set only when the user did not make it.

        A change that does not move the version happens now, and its event has no version.
        """
        moved, by_user = changes.increases_version, changes.by_user
        return self.build(
            after.tenant,
            changes.type,
            None if by_user else principal.ip,
            after,
            after.updated_at if moved else None,
            user_version=after.version if moved else None,
            actor=None if by_user or principal.is_self(after.id) else to_actor(principal),
            client_id=None if by_user else principal.client_id,
            user_agent=None if by_user else principal.user_agent,
            changes=audit,
            reason=reason,
            details=changes.details,
        )

    def of_tenant(
        self,
        principal: Principal,
        type_: LogEventType,
        named: Mapping[str, str],
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
        reason: str | None,
    ) -> LogEvent:
        """A change of what belongs to no user. `named` says which object changed. The details have it, with the values
        before and after.
        """
        return self.build(
            principal.tenant,
            type_,
            principal.ip,
            actor=to_actor(principal),
            client_id=principal.client_id,
            user_agent=principal.user_agent,
            reason=reason,
            details={**named, "before": before, "after": after},
        )


def to_actor(principal: Principal) -> Actor:
    """Who did it, for an event."""
    return Actor(principal.kind, principal.subject, principal.name)


def audit_changes(user: User, fields: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """The changes that an event lists for new values of these fields."""
    audited = {name: value for name, value in fields.items() if name not in _NOT_AUDITED}
    return diff({name: getattr(user, name) for name in audited}, audited)
