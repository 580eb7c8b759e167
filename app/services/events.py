"""Log events: builds every event of the history, so that all events get their time, location and actor alike."""

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

# A change of provenance always accompanies the change of its attribute, which the event lists.
_NOT_AUDITED = frozenset({"provenance"})


class Events:
    """Builds log events. `locations` finds the location of an IP address."""

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
        """Returns an event that is recorded now, about `user` or, without a user, about the tenant.

        `date` is when the event happened; now when it is None. `more` are other fields of LogEvent.
        """
        # `recorded_at` is always the time of this service, because the retention period of events depends on it. A
        # caller could otherwise keep an event for ever, or make it expire at once, by its date.
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
        """Returns the location of an IP address, or None when it is not known."""
        return self._locations.find(ip)

    def of_profile(
        self,
        principal: Principal,
        after: User,
        changes: Changes,
        reason: str | None,
        audit: tuple[FieldChange, ...] = (),
    ) -> LogEvent:
        """Returns the event of a change of a profile. `actor` is set only when somebody other than the user made it.

        An event of a change that does not change the version has no version.
        """
        # When the user acted and the caller only reports it, IP address, client and user agent of the caller would be
        # wrong in the event.
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
        """Returns the event of a change of an object of the tenant, such as a role. `named` identifies the object.

        The details of the event are `named` and the values before and after the change.
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
    """Returns the principal as the actor of an event."""
    return Actor(principal.kind, principal.subject, principal.name)


def audit_changes(user: User, fields: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """Returns the changes that an event lists for new values of these fields."""
    audited = {name: value for name, value in fields.items() if name not in _NOT_AUDITED}
    return diff({name: getattr(user, name) for name in audited}, audited)
