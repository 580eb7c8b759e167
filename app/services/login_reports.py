"""Login reports: the input of recordLogin and recordFailedLogin, and its validation."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from app.domain.devices import MAX_NAME, DeviceType
from app.domain.errors import ErrorCode, Refused
from app.domain.hosts import canonical_ip
from app.domain.metadata import is_deeper, is_well_formed
from app.domain.times import now

# Maximum lengths in characters.
MAX_TEXT = 512
MAX_TOKEN = 16_384
# Levels of nesting. The readers of a profile are recursive, and an answer cannot nest deeper than 254 levels.
MAX_PROFILE_DEPTH = 64
# The clocks of the login service and of this service can differ by this much.
_CLOCK_TOLERANCE = timedelta(minutes=5)


# The GraphQL input types inherit these classes, so that no value is copied from class to class. A class that inherits a
# frozen dataclass must be frozen, and input types of strawberry are not.
@dataclass(kw_only=True)
class DeviceReport:
    """The credential that the login service gave to a device. `token` is the credential itself: only its SHA-256 is
    stored.
    """

    device_id: str
    name: str | None = None
    type: DeviceType = DeviceType.REFRESH_TOKEN
    token: str | None = None
    expires_at: datetime | None = None


@dataclass(kw_only=True)
class LoginReport:
    """One login. `profile` is the JSON object that the identity provider sent; tokens are not encrypted yet."""

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


@dataclass(kw_only=True)
class FailureReport:
    """One failed login. `identifier` is what the user typed: an e-mail address, a username, a phone number, or the id
    of the account at the identity provider.
    """

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
    """Returns the report with its IP address in canonical form. Raises Refused with INVALID_INPUT."""
    # A date in the future would make every login until then an old one, which changes nothing but the counter.
    if report.date is not None and report.date > now() + _CLOCK_TOLERANCE:
        raise invalid("date must not be more than 5 minutes in the future.", "date")
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
    """Returns the IP address in canonical form. Raises Refused with INVALID_INPUT when it is not an IP address.

    An IPv4 address that is mapped to IPv6 becomes IPv4.
    """
    if text is None:
        return None
    try:
        # Failed logins are counted by this text: with two spellings, one IP address would have two counters.
        return canonical_ip(text)
    except ValueError:
        raise invalid("ip must be an IPv4 or IPv6 address.", "ip") from None


def _check_profile(profile: Any) -> None:
    if not isinstance(profile, Mapping):
        raise invalid("profile must be a JSON object.", "profile")
    if is_deeper(profile, MAX_PROFILE_DEPTH):
        raise invalid(f"profile must not have more than {MAX_PROFILE_DEPTH} levels of nesting.", "profile")
    try:
        json.dumps(profile, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        message = "profile contains a value that JSON does not allow: NaN, infinity, or invalid Unicode."
        raise invalid(message, "profile") from None


def check_text(value: str | None, name: str, limit: int = MAX_TEXT) -> None:
    """Raises Refused with INVALID_INPUT unless the text has 1 to `limit` characters of valid Unicode. None is valid."""
    if value is not None and not (0 < len(value) <= limit and is_well_formed(value)):
        raise invalid(f"{name} must have 1 to {limit} characters.", name)


def invalid(message: str, name: str) -> Refused:
    """Returns a refusal with INVALID_INPUT. `name` is the field of the input."""
    return Refused(ErrorCode.INVALID_INPUT, message, (name,))
