"""Logins: what the login service reports after each becomes a profile, a device and history, in one transaction."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from app.domain.connections import AuthConnection, SyncRootAttributes
from app.domain.devices import Device
from app.domain.errors import ErrorCode, Forbidden, Refused
from app.domain.identifiers import keys_of
from app.domain.ids import Key
from app.domain.login_rules import LoginRule, LoginRuleFailed, apply_rule
from app.domain.logins import (
    MAX_FAILURES,
    Login,
    first_profile,
    keys_of_login,
    next_profile,
    said,
    to_user_id,
    versioned,
)
from app.domain.logs import LogEvent, LogEventType, diff, same
from app.domain.normalizers.registry import normalize
from app.domain.principals import Principal
from app.domain.rules import CREATE_LOGINS, UPDATE_APP_METADATA
from app.domain.sizes import compact, too_large
from app.domain.times import now
from app.domain.users import User
from app.geo.locations import LocationDatabase
from app.services.callers import Callers
from app.services.changes import DEADLINE_SECONDS, Queue, wait
from app.services.identifiers import keys_of_typed, named_connection
from app.services.login_reports import FailureReason, FailureReport, LoginReport, check_report, invalid
from app.services.user_agents import read_user_agent
from app.store.connections import Connections
from app.store.database import new_id
from app.store.logins import Answered, Logins
from app.store.token_cipher import SecretMissing, TokenCipher
from app.store.users import Users

MAX_PROFILE_BYTES = 65_536

_FAILURES = {
    FailureReason.WRONG_PASSWORD: LogEventType.LOGIN_FAILED_WRONG_PASSWORD,
    FailureReason.UNKNOWN_USER: LogEventType.LOGIN_FAILED_WRONG_IDENTIFIER,
    FailureReason.OTHER: LogEventType.LOGIN_FAILED,
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """`_id`s of the profile and of the event."""

    user: Key
    created: bool
    event: Key


class RecordLogins:
    """`rules` are the login rules that are installed; each tenant enables its own."""

    def __init__(
        self,
        callers: Callers,
        users: Users,
        logins: Logins,
        connections: Connections,
        cipher: TokenCipher,
        locations: LocationDatabase,
        rules: Sequence[LoginRule],
        max_metadata_bytes: int,
    ) -> None:
        self._callers = callers
        self._users = users
        self._logins = logins
        self._connections = connections
        self._cipher = cipher
        self._locations = locations
        self._rules = rules
        self._max_metadata_bytes = max_metadata_bytes
        self._queue = Queue()

    async def record(self, principal: Principal | None, report: LoginReport) -> Recorded:
        """Creates or refreshes the profile. Raises Forbidden; Refused with INVALID_INPUT, NOT_FOUND, ALREADY_EXISTS,
        USER_BLOCKED (then the failure is recorded), LOGIN_RULE_FAILED, CONTENDED.
        """
        principal = await self._callers.authorize(principal, CREATE_LOGINS)
        report = check_report(report)
        answered = _to_answered(principal, report)
        if answered is not None and (before := await self._answer(answered)) is not None:
            return before
        login = await self._to_login(principal, report)
        keys = keys_of_login(login)
        if not keys:
            raise invalid("This profile identifies nobody: it has no id.", "profile")
        rules = await self._enabled(principal.tenant)
        deadline = time.monotonic() + DEADLINE_SECONDS
        async with self._queue.turn((principal.tenant, keys[0]), deadline):
            while True:
                recorded = await self._attempt(principal, report, login, keys, rules, answered)
                if recorded is None and answered is not None:
                    recorded = await self._answer(answered)
                if recorded is not None:
                    return recorded
                await wait(deadline)
                principal = await self._callers.confirm(principal)

    async def fail(self, principal: Principal | None, report: FailureReport) -> Key:
        """Records a failed login, which changes no profile. Returns the event's `_id`."""
        principal = await self._callers.authorize(principal, CREATE_LOGINS)
        report = check_report(report)
        connection = await named_connection(self._connections, principal.tenant, report.connection)
        user = await self._failed_user(principal, connection, report.identifier)
        event = self._event(principal, report, _FAILURES[report.reason], connection, user)
        details = None if user else {"identifier": report.identifier}
        event = replace(event, details=details)
        await self._logins.add_event(event)
        if user is not None and report.ip is not None:
            count = await self._logins.count_failure(principal.tenant, user.id, report.ip, now())
            if count == MAX_FAILURES:
                blocked = self._event(principal, report, LogEventType.USER_ADDRESS_BLOCKED, connection, user)
                await self._logins.add_event(blocked)
        return event.id

    async def _attempt(
        self,
        principal: Principal,
        report: LoginReport,
        login: Login,
        keys: list[str],
        rules: Sequence[LoginRule],
        answered: Answered | None,
    ) -> Recorded | None:
        """None where another came first."""
        before = await self._users.find({"tenant": principal.tenant, "keys": {"$in": keys}})
        at = now()
        if before is None:
            after = await self._first(principal, login, at)
        else:
            await self._check_blocked(principal, report, login, before)
            after = next_profile(before, login, at)
        after = await self._ruled(principal, after, login, rules, at)
        await self._check_app_metadata(principal, before, after)
        if before is not None and versioned(before) != versioned(after):
            after = replace(after, version=before.version + 1, updated_at=at)
        event = self._login_event(principal, report, login, before, after)
        if answered is not None:
            answered = replace(answered, user=after.id, created=before is None, event=event.id, recorded_at=at)
        device = self._device(report, after, login.at)
        if await self._logins.write(before, after, event, device, answered):
            if report.ip is not None and before is not None:
                await self._logins.forget_failures(principal.tenant, after.id, report.ip)
            return Recorded(after.id, before is None, event.id)
        await self._check_identifiers(principal, after, keys)
        return None

    async def _first(self, principal: Principal, login: Login, at: datetime) -> User:
        """NEVER creates nobody, where accounts are not kept here."""
        if not login.is_ours and login.connection.sync_root_attributes is SyncRootAttributes.NEVER:
            raise Refused(
                ErrorCode.NOT_FOUND,
                f"There is no such user, and connection {login.connection.name} creates none at login.",
                ("profile",),
            )
        user_id = new_id()
        return first_profile(login, user_id, login.claims.user_id or str(new_id()), at)

    async def _check_app_metadata(self, principal: Principal, before: User | None, after: User) -> None:
        """Forbidden where users would change their own app_metadata: by a login that they record, with a login rule."""
        held = {} if before is None else before.app_metadata
        if not same(held, after.app_metadata) and await self._callers.is_own(principal, after):
            raise Forbidden(f"Not allowed to {UPDATE_APP_METADATA.name}.")

    async def _check_identifiers(self, principal: Principal, after: User, keys: list[str]) -> None:
        """Where the identity is new and its address is another's: trying again would not help."""
        taken = await self._users.find({"tenant": principal.tenant, "keys": {"$in": keys_of(after)}})
        if taken is not None and taken.id != after.id and not set(keys) & set(keys_of(taken)):
            message = "Another user of this connection has this address, name or number."
            raise Refused(ErrorCode.ALREADY_EXISTS, message, ("profile",))

    async def _check_blocked(self, principal: Principal, report: LoginReport, login: Login, user: User) -> None:
        failures = 0 if report.ip is None else await self._logins.failures(principal.tenant, user.id, report.ip)
        if not user.blocked and failures < MAX_FAILURES:
            return
        event = self._event(principal, report, LogEventType.LOGIN_FAILED_USER_BLOCKED, login.connection, user)
        await self._logins.add_event(event)
        message = "The user is blocked." if user.blocked else "Too many logins from this address failed."
        raise Refused(ErrorCode.USER_BLOCKED, message, ())

    async def _ruled(
        self, principal: Principal, user: User, login: Login, rules: Sequence[LoginRule], at: datetime
    ) -> User:
        if not rules:
            return user
        name = user.identities[0].connection
        primary = (
            login.connection if name == login.connection.name else await self._connections.find(principal.tenant, name)
        )
        try:
            for each in rules:
                user = apply_rule(each, user, login, primary, self._max_metadata_bytes, at)
        except LoginRuleFailed as failure:
            raise Refused(ErrorCode.LOGIN_RULE_FAILED, str(failure), ()) from failure
        return user

    async def _enabled(self, tenant: str) -> list[LoginRule]:
        enabled = await self._connections.enabled_rules(tenant)
        return [each for each in self._rules if each.name in enabled]

    async def _answer(self, wanted: Answered) -> Recorded | None:
        """What an earlier login with this idempotency key came to; Refused where it was another login."""
        found = await self._logins.answered(wanted.tenant, wanted.client, wanted.key)
        if found is None:
            return None
        if found.hash != wanted.hash:
            raise invalid("This idempotency key came with another input before.", "idempotencyKey")
        return Recorded(found.user, found.created, found.event)

    async def _to_login(self, principal: Principal, report: LoginReport) -> Login:
        connection = await named_connection(self._connections, principal.tenant, report.connection)
        profile_data, dropped_bytes = _profile_data(report.profile)
        return Login(
            connection=connection,
            claims=normalize(connection.strategy, report.profile),
            at=report.date or now(),
            profile_data=profile_data,
            dropped_bytes=dropped_bytes,
            access_token=self._encrypted(report.access_token, "accessToken"),
            refresh_token=self._encrypted(report.refresh_token, "refreshToken"),
            ip=report.ip,
        )

    def _encrypted(self, token: str | None, name: str) -> str | None:
        if token is None:
            return None
        try:
            return self._cipher.encrypt(token)
        except SecretMissing:
            raise invalid("Tokens are kept encrypted, and this service has no PROFILE_API_SECRET.", name) from None

    async def _failed_user(self, principal: Principal, connection: AuthConnection, identifier: str) -> User | None:
        name = connection.name
        keys = keys_of_typed(name, identifier)
        found = await self._users.find({"tenant": principal.tenant, "keys": {"$in": keys}})
        if found is not None:
            return found
        user_ids = [identifier, to_user_id(connection, identifier)]
        return await self._users.find(
            {"tenant": principal.tenant, "user_id": {"$in": user_ids}, "identities.connection": name}
        )

    def _login_event(
        self, principal: Principal, report: LoginReport, login: Login, before: User | None, after: User
    ) -> LogEvent:
        event = self._event(principal, report, LogEventType.LOGIN_SUCCEEDED, login.connection, after)
        old = {} if before is None else said(before)
        moved = before is None or after.version != before.version
        size = login.dropped_bytes
        return replace(
            event,
            user_version=after.version if moved else None,
            changes=diff(old, said(after)) if moved else (),
            details=None if size is None else {"profileData": f"not kept: {size} of at most {MAX_PROFILE_BYTES} bytes"},
        )

    def _event(
        self,
        principal: Principal,
        report: LoginReport | FailureReport,
        type_: LogEventType,
        connection: AuthConnection,
        user: User | None,
    ) -> LogEvent:
        at = now()
        return LogEvent(
            id=new_id(),
            tenant=principal.tenant,
            type=type_,
            date=report.date or at,
            recorded_at=at,
            user=user.id if user else None,
            user_id=user.user_id if user else None,
            user_name=user.name if user else None,
            client_id=report.client_id,
            client_name=report.client_name,
            connection=connection.name,
            strategy=connection.strategy,
            ip=report.ip,
            location=self._locations.find(report.ip),
            user_agent=report.user_agent,
            is_mobile=read_user_agent(report.user_agent).is_mobile,
        )

    def _device(self, report: LoginReport, user: User, at: datetime) -> Device | None:
        device = report.device
        if device is None:
            return None
        return Device(
            id=new_id(),
            tenant=user.tenant,
            user=user.id,
            user_id=user.user_id,
            device_id=device.device_id,
            type=device.type,
            name=device.name,
            default_name=read_user_agent(report.user_agent).name,
            client_id=report.client_id,
            client_name=report.client_name,
            token_hash=None if device.token is None else token_hash(device.token),
            created_at=at,
            last_used_at=at,
            expires_at=device.expires_at,
            last_ip=report.ip,
            last_location=self._locations.find(report.ip),
            user_agent=report.user_agent,
        )


def token_hash(token: str) -> str:
    """SHA-256 in hexadecimal: all that is kept of a device's credential."""
    return sha256(token.encode()).hexdigest()


def _to_answered(principal: Principal, report: LoginReport) -> Answered | None:
    if report.idempotency_key is None:
        return None
    content = {name: value for name, value in asdict(report).items() if name != "idempotency_key"}
    digest = sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
    client = principal.client_id or principal.subject
    return Answered(principal.tenant, client, report.idempotency_key, digest, Key(None), False, Key(None), now())


def _profile_data(profile: Mapping[str, Any]) -> tuple[str, int | None]:
    """The profile as JSON. For one that is too large, a marker and its size in bytes."""
    text = compact(profile)
    size = len(text.encode())
    return (text, None) if size <= MAX_PROFILE_BYTES else (compact(too_large(size)), size)
