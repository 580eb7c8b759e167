"""recordFailedLogin: records a failed login and counts it for its IP address. The limit is in domain/logins.py."""

from app.domain.connections import AuthConnection
from app.domain.filters import And, Eq, In
from app.domain.ids import Key
from app.domain.logins import MAX_FAILURES, to_user_id
from app.domain.logs import LogEventType
from app.domain.principals import Principal
from app.domain.rules import CREATE_LOGINS, Rule
from app.domain.times import now
from app.domain.users import User
from app.services.callers import Callers
from app.services.identifiers import keys_of_typed, named_connection
from app.services.login_events import login_event
from app.services.login_reports import FailureReason, FailureReport, check_report
from app.services.use_cases import requires
from app.services.writes import Writes
from app.store.connections import ConnectionStore
from app.store.logins import LoginStore
from app.store.users import UserStore

_TYPES = {
    FailureReason.WRONG_PASSWORD: LogEventType.LOGIN_FAILED_WRONG_PASSWORD,
    FailureReason.UNKNOWN_USER: LogEventType.LOGIN_FAILED_WRONG_IDENTIFIER,
    FailureReason.OTHER: LogEventType.LOGIN_FAILED,
}


class FailedLogins:
    """The use case of recordFailedLogin. It does not change the profile."""

    def __init__(
        self,
        writes: Writes,
        callers: Callers,
        users: UserStore,
        logins: LoginStore,
        connections: ConnectionStore,
    ) -> None:
        self._writes = writes
        self._callers = callers
        self._users = users
        self._logins = logins
        self._connections = connections

    @requires(CREATE_LOGINS)
    async def record(self, principal: Principal | None, rule: Rule, report: FailureReport) -> Key:
        """Records the failed login and returns the `_id` of its event.

        Raises Forbidden, and Refused with INVALID_INPUT or NOT_FOUND.
        """
        principal = await self._callers.authorize(principal, rule)
        report = check_report(report)
        connection = await named_connection(self._connections, principal.tenant, report.connection)
        user = await self._find(connection, report.identifier)
        # Without a user, the identifier is the only hint for support. With a user, it would repeat what the event has.
        details = None if user else {"identifier": report.identifier}
        event = login_event(self._writes.events, report, _TYPES[report.reason], connection, user, details=details)
        await self._writes.record_event(event)
        if user is not None and report.ip is not None:
            count = await self._logins.count_failure(user.tenant, user.id, report.ip, now())
            # Equal, not greater: the event is recorded once, when the limit is reached.
            if count == MAX_FAILURES:
                blocked = login_event(self._writes.events, report, LogEventType.USER_ADDRESS_BLOCKED, connection, user)
                await self._writes.record_event(blocked)
        return event.id

    async def _find(self, connection: AuthConnection, identifier: str) -> User | None:
        """Returns the user of an e-mail address, a username, a phone number, or the id of the account."""
        tenant, name = connection.tenant, connection.name
        found = await self._users.find(tenant, In("keys", keys_of_typed(name, identifier)))
        if found is not None:
            return found
        user_ids = In("user_id", [identifier, to_user_id(connection, identifier)])
        return await self._users.find(tenant, And([user_ids, Eq("identities.connection", name)]))
