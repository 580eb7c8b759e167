"""The input of recordLogin and recordFailedLogin, and its validation."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from typing import Any, TypeVar

from app.domain.devices import MAX_NAME, DeviceType
from app.domain.errors import ErrorCode, Refused
from app.domain.metadata import is_deeper, is_well_formed
from app.domain.times import now

# Characters.
MAX_TEXT = 512
MAX_TOKEN = 16_384
# Levels. Readers go through the profile by recursion, and an answer cannot nest deeper than 254.
MAX_PROFILE_DEPTH = 64
# How far a login service's clock may be ahead of ours.
_AHEAD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReport:
    """`token` is the credential itself, of which the SHA-256 is kept."""

    device_id: str
    type: DeviceType = DeviceType.REFRESH_TOKEN
    name: str | None = None
    token: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginReport:
    """RecordLoginInput of the contract."""

    connection: str
    profile: Any
    client_id: str | None = None
    client_name: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    date: datetime | None = None
    device: DeviceReport | None = None
    access_token: str | None = None
    refresh_token: str | None = None
    idempotency_key: str | None = None


class FailureReason(StrEnum):
    """Why a login failed."""

    WRONG_PASSWORD = "WRONG_PASSWORD"  # noqa: S105
    UNKNOWN_USER = "UNKNOWN_USER"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureReport:
    """RecordFailedLoginInput. `identifier` is what was typed: an address, a name, a number, or the provider's id."""

    connection: str
    identifier: str
    reason: FailureReason
    client_id: str | None = None
    client_name: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    date: datetime | None = None


Report = TypeVar("Report", LoginReport, FailureReport)


def check_report(report: Report) -> Report:
    """The report, with its IP address in one spelling. Refused with INVALID_INPUT."""
    if report.date is not None and report.date > now() + _AHEAD:
        raise invalid("date is more than 5 minutes ahead.", "date")
    report = replace(report, ip=read_ip(report.ip))
    for name, camel in (("client_id", "clientId"), ("client_name", "clientName"), ("user_agent", "userAgent")):
        check_text(getattr(report, name), camel, MAX_TEXT)
    if isinstance(report, FailureReport):
        check_text(report.identifier, "identifier", MAX_TEXT)
        return report
    _check_profile(report.profile)
    check_text(report.idempotency_key, "idempotencyKey", MAX_TEXT)
    check_text(report.access_token, "accessToken", MAX_TOKEN)
    check_text(report.refresh_token, "refreshToken", MAX_TOKEN)
    if report.device is not None:
        check_text(report.device.device_id, "device", MAX_TEXT)
        check_text(report.device.name, "device", MAX_NAME)
        check_text(report.device.token, "device", MAX_TOKEN)
    return report


def read_ip(text: str | None) -> str | None:
    """The IP address in its one spelling, so that what is counted by it is counted once. Refused with INVALID_INPUT."""
    if text is None:
        return None
    try:
        found = ip_address(text)
    except ValueError:
        raise invalid("ip is no IP address.", "ip") from None
    return str(getattr(found, "ipv4_mapped", None) or found)


def _check_profile(profile: Any) -> None:
    if not isinstance(profile, Mapping):
        raise invalid("profile is a JSON object.", "profile")
    if is_deeper(profile, MAX_PROFILE_DEPTH):
        raise invalid(f"profile nests at most {MAX_PROFILE_DEPTH} levels.", "profile")
    try:
        json.dumps(profile, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        raise invalid("profile holds what is no JSON: NaN, or text that is no Unicode.", "profile") from None


def check_text(value: str | None, name: str, limit: int = MAX_TEXT) -> None:
    """Refused with INVALID_INPUT; `limit` is characters."""
    if value is not None and not (0 < len(value) <= limit and is_well_formed(value)):
        raise invalid(f"{name} takes 1 to {limit} characters.", name)


def invalid(message: str, name: str) -> Refused:
    """`name` is the input's field."""
    return Refused(ErrorCode.INVALID_INPUT, message, (name,))
