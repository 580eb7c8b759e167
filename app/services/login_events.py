"""Events of logins: they come from the application that was signed in to, not from the caller that reports them."""

from typing import Any

from app.domain.connections import AuthConnection
from app.domain.logs import LogEvent, LogEventType
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
    """`more` are other fields of LogEvent."""
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
