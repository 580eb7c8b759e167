"""The devices, grants, second factors and history of the demo user John Doe."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from app.domain.devices import Device, DeviceType
from app.domain.enrollments import Enrollment, masked
from app.domain.grants import Grant
from app.domain.logs import Actor, FieldChange, LogEvent, LogEventType
from app.domain.principals import ActorKind
from app.domain.users import User
from app.jobs.demo.tenant import API, DATABASE, demo_key

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def make_devices(john: User, at: datetime) -> Iterator[Device]:
    """Makes the devices on which John Doe is signed in. They have no credentials, so no client can use them."""
    phone = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5"
        " Mobile/15E148 Safari/604.1"
    )
    for name, user_agent, hours in (("Firefox on Linux", BROWSER, 3), ("Mobile Safari on iOS", phone, 30)):
        yield Device(
            id=demo_key("device", name),
            tenant=john.tenant,
            user=john.id,
            user_id=john.user_id,
            device_id=str(demo_key("device-id", name)),
            type=DeviceType.ROTATING_REFRESH_TOKEN,
            name=name,
            client_id="web-shop",
            client_name="Web shop",
            created_at=at - timedelta(days=40),
            last_used_at=at - timedelta(hours=hours),
            last_ip="203.0.113.7",
            user_agent=user_agent,
        )


def make_grants(john: User, at: datetime) -> Iterator[Grant]:
    """Makes the grants of the applications that John Doe authorized."""
    for client_id, client_name, audience, scopes in (
        ("web-shop", "Web shop", API, ("read:orders", "create:orders")),
        ("newsletter", "Newsletter", "https://mail.example.com/api", ("read:profile",)),
    ):
        yield Grant(
            id=demo_key("grant", client_id),
            tenant=john.tenant,
            user=john.id,
            client_id=client_id,
            client_name=client_name,
            audience=audience,
            scopes=scopes,
            granted_at=at - timedelta(days=40),
        )


def make_enrollments(john: User, at: datetime) -> Iterator[Enrollment]:
    """Makes the second factors of John Doe."""
    for type_, name in (("totp", None), ("phone", masked("+49 170 1234567"))):
        yield Enrollment(
            id=demo_key("enrollment", type_),
            tenant=john.tenant,
            user=john.id,
            enrollment_id=type_,
            type=type_,
            name=name,
            status="confirmed",
            enrolled_at=at - timedelta(days=30),
            last_used_at=at - timedelta(hours=3) if type_ == "totp" else None,
        )


def make_history(john: User, at: datetime) -> Iterator[LogEvent]:
    """Makes the log events of John Doe: his own actions, and a change by the support."""
    support = Actor(ActorKind.APPLICATION, "support-dashboard@clients", None)
    color = FieldChange("user_metadata.color", "blue", "green")
    plan = FieldChange("app_metadata.plan", "trial", "free")
    kinds = LogEventType
    # Hours before `at`, event type and additional fields. A page shows the past two days, so most events are recent.
    events: tuple[tuple[float, LogEventType, dict[str, Any]], ...] = (
        (90 * 24, kinds.SIGNUP_SUCCEEDED, {"user_version": 1}),
        (52, kinds.LOGIN_SUCCEEDED, {}),
        (26, kinds.LOGIN_FAILED_WRONG_PASSWORD, {}),
        (25.9, kinds.LOGIN_SUCCEEDED, {}),
        (25, kinds.USER_METADATA_UPDATED, {"changes": (color,)}),
        (8, kinds.APP_METADATA_UPDATED, {"changes": (plan,), "actor": support, "reason": "Trial is over"}),
        (3, kinds.LOGIN_SUCCEEDED, {}),
    )
    for hours, type_, more in events:
        date = at - timedelta(hours=hours)
        login: dict[str, Any] = {"connection": DATABASE, "strategy": "auth0", "is_mobile": False}
        yield LogEvent(
            id=demo_key("event", str(hours)),
            tenant=john.tenant,
            type=type_,
            date=date,
            recorded_at=at,
            user=john.id,
            user_id=john.user_id,
            user_name=john.name,
            client_id="web-shop",
            client_name="Web shop",
            ip="203.0.113.7",
            user_agent=BROWSER,
            **({} if "changes" in more else login),
            **more,
        )
