"""Events of logins. They name the application that the user signed in to, not the caller that reports the login."""

from typing import Any

from app.domain.connections import AuthConnection
from app.domain.logins import MAX_PROFILE_BYTES, Login, filled_fields
from app.domain.logs import LogEvent, LogEventType, diff
from app.domain.users import User
from app.services.events import Events
from app.services.login_reports import FailureReport, LoginReport
from app.services.user_agents import read_user_agent


def login_event(
    events: Events,
    report: LoginReport | FailureReport,
    type_: LogEventType,
    connection: AuthConnection,
    user: User | None,
    **more: Any,
) -> LogEvent:
    """Returns the event of a login or of a failed login. `more` are other fields of LogEvent."""
    return events.build(
        connection.tenant,
        type_,
        report.ip,
        user,
        report.date,
        client_id=report.client_id,
        client_name=report.client_name,
        connection=connection.name,
        strategy=connection.strategy,
        user_agent=report.user_agent,
        is_mobile=read_user_agent(report.user_agent).is_mobile,
        **more,
    )


def success_event(events: Events, report: LoginReport, login: Login, before: User | None, after: User) -> LogEvent:
    """Returns the event of a login, with the changes of the profile. `before` is None for a new profile.

    A login that does not change the version has no changes to list.
    """
    old = {} if before is None else filled_fields(before)
    moved = before is None or after.version != before.version
    size = login.dropped_bytes
    details = None if size is None else {"profileData": f"not kept: {size} of at most {MAX_PROFILE_BYTES} bytes"}
    return login_event(
        events,
        report,
        LogEventType.LOGIN_SUCCEEDED,
        login.connection,
        after,
        user_version=after.version if moved else None,
        changes=diff(old, filled_fields(after)) if moved else (),
        details=details,
    )
