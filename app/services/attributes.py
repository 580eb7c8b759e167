"""Changing root attributes, by the rules of the profile's connection."""

from collections.abc import Mapping

from app.domain.attributes.connections import CONNECTION
from app.domain.connections import AuthConnection, why_not_editable
from app.domain.errors import ErrorCode, Refused
from app.domain.filters import ALL
from app.domain.logs import LogEventType
from app.domain.principals import Principal
from app.domain.root_attributes import apply_root_attributes, check_root_attribute
from app.domain.rows import to_camel
from app.domain.rules import UPDATE_ROOT_ATTRIBUTES
from app.domain.times import now
from app.domain.users import AttributeSource, Changes, User
from app.policy.rules import authenticated
from app.services.changes import ProfileChanges, Target
from app.store.records import Records
from app.store.snapshots import to_connection


class RootAttributes:
    """Writes of name, given_name, family_name, nickname and picture."""

    def __init__(self, changes: ProfileChanges, records: Records) -> None:
        self._changes = changes
        self._records = records

    async def update(self, principal: Principal | None, target: Target, values: Mapping[str, str | None]) -> User:
        """`values` by stored name; None clears. Raises what `ProfileChanges.apply` does; Refused with NOT_EDITABLE."""
        caller = authenticated(principal)
        # Read now, not from the snapshot: a setting that was just changed counts.
        stored = await self._records.find(CONNECTION, caller.tenant, ALL)
        connections = {each["name"]: to_connection(each) for each in stored}

        def decide(user: User) -> Changes:
            for name, value in values.items():
                check_root_attribute(name, value)
            _check_editable(user, connections, values)
            source = AttributeSource.USER if caller.is_self(user.id) else AttributeSource.ADMIN
            return Changes(LogEventType.ROOT_ATTRIBUTES_UPDATED, apply_root_attributes(user, values, source, now()))

        return await self._changes.apply(principal, UPDATE_ROOT_ATTRIBUTES, target, decide)


def _check_editable(user: User, connections: Mapping[str, AuthConnection], values: Mapping[str, str | None]) -> None:
    """Only the primary identity's connection decides."""
    primary = user.identities[0].connection if user.identities else ""
    refusal = why_not_editable(connections.get(primary))
    if refusal and values:
        raise Refused(ErrorCode.NOT_EDITABLE, refusal.message, (to_camel(next(iter(values))),))
