"""updateRootAttributes: changes root attributes, as far as the profile's connection allows it."""

from collections.abc import Mapping

from app.domain.commits import Changes
from app.domain.connections import why_not_editable
from app.domain.errors import ErrorCode, Refused
from app.domain.logs import LogEventType
from app.domain.principals import Principal
from app.domain.root_attributes import apply_root_attributes, check_root_attribute
from app.domain.rows import to_camel
from app.domain.rules import UPDATE_ROOT_ATTRIBUTES, Rule
from app.domain.times import now
from app.domain.users import AttributeSource, User
from app.services.identifiers import primary_connection
from app.services.use_cases import requires
from app.services.writes import Target, Writes
from app.store.connections import ConnectionStore


class RootAttributes:
    """The use case of updateRootAttributes: name, given_name, family_name, nickname and picture."""

    def __init__(self, writes: Writes, connections: ConnectionStore) -> None:
        self._writes = writes
        self._connections = connections

    @requires(UPDATE_ROOT_ATTRIBUTES)
    async def update(
        self, principal: Principal | None, rule: Rule, target: Target, values: Mapping[str, str | None]
    ) -> User:
        """Sets root attributes. `values` has stored names as keys; None clears an attribute.

        Raises what `Writes.begin` and `Writes.commit` raise, and Refused with INVALID_INPUT or NOT_EDITABLE.
        """
        opened = await self._writes.begin(principal, rule, target)
        is_self = opened.caller.is_self(opened.user.id)
        connection = await primary_connection(self._connections, opened.user)

        def decide(user: User) -> Changes:
            for name, value in values.items():
                check_root_attribute(name, value)
            refusal = why_not_editable(connection)
            if refusal and values:
                raise Refused(ErrorCode.NOT_EDITABLE, refusal.message, (to_camel(next(iter(values))),))
            source = AttributeSource.USER if is_self else AttributeSource.ADMIN
            return Changes(LogEventType.ROOT_ATTRIBUTES_UPDATED, apply_root_attributes(user, values, source, now()))

        return await self._writes.commit(opened, decide)
