"""recordLogin: writes the profile, the device, the event and the idempotency record of a login in one transaction."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from app.domain.commits import Commit, ProfileWrite, SideEffect
from app.domain.connections import SyncRootAttributes
from app.domain.devices import Device, PutDevice
from app.domain.errors import ErrorCode, Refused
from app.domain.filters import In
from app.domain.identifiers import keys_of
from app.domain.ids import Key
from app.domain.login_rules import LoginRule, LoginRuleFailed, apply_rule
from app.domain.logins import (
    MAX_FAILURES,
    MAX_PROFILE_BYTES,
    ForgetFailures,
    IdempotencyRecord,
    Login,
    PutIdempotencyRecord,
    create_profile,
    keys_of_login,
    refresh_profile,
    said,
    versioned,
)
from app.domain.logs import LogEvent, LogEventType, diff, same
from app.domain.normalizers.registry import normalize
from app.domain.principals import Principal
from app.domain.rules import CREATE_LOGINS, UPDATE_APP_METADATA, Rule
from app.domain.sizes import compact, too_large
from app.domain.times import now
from app.domain.users import PROVIDER_TOKENS, Identity, User
from app.policy.rules import forbidden
from app.services.callers import Callers
from app.services.identifiers import named_connection, primary_connection
from app.services.login_events import login_event
from app.services.login_reports import LoginReport, check_report, invalid
from app.services.use_cases import requires
from app.services.user_agents import read_user_agent
from app.services.writes import TAKEN, Writes
from app.store.connections import ConnectionStore
from app.store.database import new_id
from app.store.errors import Conflict, Taken
from app.store.logins import LoginStore
from app.store.token_cipher import SecretMissing, TokenCipher
from app.store.users import UserStore


@dataclass(frozen=True, slots=True)
class Recorded:
    """`_id`s of the profile and of the event."""

    user: Key
    created: bool
    event: Key


@dataclass(frozen=True, slots=True)
class _Request:
    """What is the same at each attempt. `hash` is the SHA-256 of the report, if it has an idempotency key."""

    report: LoginReport
    login: Login
    keys: list[str]
    rules: Sequence[LoginRule]
    client: str
    hash: str | None


class RecordLogins:
    """`rules` are the login rules that are installed; each tenant enables its own."""

    def __init__(
        self,
        writes: Writes,
        callers: Callers,
        users: UserStore,
        logins: LoginStore,
        connections: ConnectionStore,
        cipher: TokenCipher,
        rules: Sequence[LoginRule],
        max_metadata_bytes: int,
    ) -> None:
        self._writes = writes
        self._callers = callers
        self._users = users
        self._logins = logins
        self._connections = connections
        self._cipher = cipher
        self._rules = rules
        self._max_metadata_bytes = max_metadata_bytes

    @requires(CREATE_LOGINS)
    async def record(self, principal: Principal | None, rule: Rule, report: LoginReport) -> Recorded:
        """Creates or refreshes the profile. Raises Forbidden; Refused with INVALID_INPUT, NOT_FOUND, ALREADY_EXISTS,
        USER_BLOCKED (then the failure is recorded), LOGIN_RULE_FAILED, CONTENDED.
        """
        caller = await self._callers.authorize(principal, rule)
        report = check_report(report)
        client, hash = caller.client_id or caller.subject, _hash_of(report)
        known = await self._find_recorded(caller.tenant, client, report.idempotency_key, hash)
        if known is not None:
            return known
        login = await self._to_login(caller, report)
        keys = keys_of_login(login)
        if not keys:
            raise invalid("This profile identifies nobody: it has no id.", "profile")
        request = _Request(report, login, keys, await self._enabled(caller.tenant), client, hash)
        attempts = 0

        async def attempt() -> Recorded:
            nonlocal attempts, caller
            attempts += 1
            if attempts > 1:
                caller = await self._callers.confirm(caller)
                known = await self._find_recorded(caller.tenant, client, report.idempotency_key, hash)
                if known is not None:
                    return known
            return await self._attempt(caller, request)

        return await self._writes.contention.run((caller.tenant, keys[0]), attempt)

    async def _attempt(self, caller: Principal, request: _Request) -> Recorded:
        """Raises Conflict when another writer committed first."""
        report, login, at = request.report, request.login, now()
        before = await self._users.find(caller.tenant, In("keys", request.keys))
        failures = 0
        if before is None:
            after = self._create(login, at)
        else:
            failures = await self._count_failures(report, login, before)
            after = self._renew_tokens(refresh_profile(before, login, at))
        after = await self._ruled(after, login, request.rules, at)
        await self._check_app_metadata(caller, before, after)
        if before is not None and versioned(before) != versioned(after):
            after = replace(after, version=before.version + 1, updated_at=at)
        event = self._event(report, login, before, after)
        recorded = Recorded(after.id, before is None, event.id)
        write = ProfileWrite(None, after) if before is None else _refreshed(before, after)
        side_effects = self._side_effects(request, recorded, after, failures, at)
        try:
            await self._writes.execute(Commit((write,), (event,), side_effects))
        except Taken:
            await self._check_identifiers(after, request.keys)
            raise Conflict from None
        return recorded

    def _create(self, login: Login, at: datetime) -> User:
        """NEVER creates nobody, where accounts are not kept here."""
        if not login.is_ours and login.connection.sync_root_attributes is SyncRootAttributes.NEVER:
            raise Refused(
                ErrorCode.NOT_FOUND,
                f"There is no such user, and connection {login.connection.name} creates none at login.",
                ("profile",),
            )
        return create_profile(login, new_id(), login.claims.user_id or str(new_id()), at)

    def _side_effects(
        self, request: _Request, recorded: Recorded, after: User, failures: int, at: datetime
    ) -> tuple[SideEffect, ...]:
        report, found = request.report, list[SideEffect]()
        if request.hash is not None:
            assert report.idempotency_key is not None
            names = (after.tenant, request.client, report.idempotency_key, request.hash)
            record = IdempotencyRecord(*names, recorded.user, recorded.created, recorded.event, at)
            found.append(PutIdempotencyRecord(record))
        device = self._device(report, after, request.login.at)
        if device is not None:
            found.append(PutDevice(device))
        if failures:
            found.append(ForgetFailures(report.ip))
        return tuple(found)

    async def _check_app_metadata(self, caller: Principal, before: User | None, after: User) -> None:
        """Raises Forbidden when users record a login whose login rules would change their own app_metadata."""
        held = {} if before is None else before.app_metadata
        if not same(held, after.app_metadata) and await self._callers.is_own(caller, after):
            raise forbidden(caller, UPDATE_APP_METADATA, is_self=True)

    async def _check_identifiers(self, after: User, keys: list[str]) -> None:
        """Where the identity is new and its address is another's: trying again would not help."""
        owner = await self._users.find(after.tenant, In("keys", keys_of(after)))
        if owner is not None and owner.id != after.id and not set(keys) & set(keys_of(owner)):
            raise Refused(ErrorCode.ALREADY_EXISTS, TAKEN, ("profile",))

    async def _count_failures(self, report: LoginReport, login: Login, user: User) -> int:
        """From this IP address. Refused with USER_BLOCKED, and recorded, for too many or a blocked user."""
        failures = 0 if report.ip is None else await self._logins.count_failures(user.tenant, user.id, report.ip)
        if not user.blocked and failures < MAX_FAILURES:
            return failures
        type_ = LogEventType.LOGIN_FAILED_USER_BLOCKED
        await self._writes.record_event(login_event(self._writes.events, report, type_, login.connection, user))
        message = "The user is blocked." if user.blocked else "Too many logins from this address failed."
        raise Refused(ErrorCode.USER_BLOCKED, message, ())

    async def _ruled(self, user: User, login: Login, rules: Sequence[LoginRule], at: datetime) -> User:
        if not rules:
            return user
        is_primary = user.identities[0].connection == login.connection.name
        primary = login.connection if is_primary else await primary_connection(self._connections, user)
        try:
            for each in rules:
                user = apply_rule(each, user, login, primary, self._max_metadata_bytes, at)
        except LoginRuleFailed as failure:
            raise Refused(ErrorCode.LOGIN_RULE_FAILED, str(failure), ()) from failure
        return user

    async def _enabled(self, tenant: str) -> list[LoginRule]:
        enabled = await self._connections.enabled_rules(tenant)
        return [each for each in self._rules if each.name in enabled]

    async def _find_recorded(self, tenant: str, client: str, key: str | None, hash: str | None) -> Recorded | None:
        """What an earlier login with this idempotency key came to; Refused where it was another login."""
        found = None if key is None else await self._logins.find_record(tenant, client, key)
        if found is None:
            return None
        if found.hash != hash:
            raise invalid("This idempotency key came with another input before.", "idempotencyKey")
        return Recorded(found.user, found.created, found.event)

    async def _to_login(self, caller: Principal, report: LoginReport) -> Login:
        connection = await named_connection(self._connections, caller.tenant, report.connection)
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

    def _renew_tokens(self, user: User) -> User:
        """Tokens that need the previous secret are encrypted with the present one."""

        def renew(identity: Identity) -> Identity:
            stored = {name: token for name in PROVIDER_TOKENS if (token := getattr(identity, name)) is not None}
            tokens: dict[str, Any] = {name: self._cipher.renew(token) or token for name, token in stored.items()}
            return replace(identity, **tokens)

        return replace(user, identities=tuple(renew(each) for each in user.identities))

    def _encrypted(self, token: str | None, name: str) -> str | None:
        if token is None:
            return None
        try:
            return self._cipher.encrypt(token)
        except SecretMissing:
            raise invalid("Tokens are kept encrypted, and this service has no PROFILE_API_SECRET.", name) from None

    def _event(self, report: LoginReport, login: Login, before: User | None, after: User) -> LogEvent:
        old = {} if before is None else said(before)
        moved = before is None or after.version != before.version
        size = login.dropped_bytes
        details = None if size is None else {"profileData": f"not kept: {size} of at most {MAX_PROFILE_BYTES} bytes"}
        return login_event(
            self._writes.events,
            report,
            LogEventType.LOGIN_SUCCEEDED,
            login.connection,
            after,
            user_version=after.version if moved else None,
            changes=diff(old, said(after)) if moved else (),
            details=details,
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
            last_location=self._writes.events.locate(report.ip),
            user_agent=report.user_agent,
        )


def token_hash(token: str) -> str:
    """SHA-256 in hexadecimal: all that is kept of a device's credential."""
    return sha256(token.encode()).hexdigest()


def _refreshed(before: User, after: User) -> ProfileWrite:
    """Counters are added to, so that logins at the same time all count: most of them move no version."""
    return ProfileWrite(before, after, increments={"logins_count": 1}, maximum=("last_login",))


def _hash_of(report: LoginReport) -> str | None:
    """None without an idempotency key."""
    if report.idempotency_key is None:
        return None
    content = {name: value for name, value in asdict(report).items() if name != "idempotency_key"}
    return sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _profile_data(profile: Mapping[str, Any]) -> tuple[str, int | None]:
    """The profile as JSON. For one that is too large, a marker and its size in bytes."""
    text = compact(profile)
    size = len(text.encode())
    return (text, None) if size <= MAX_PROFILE_BYTES else (compact(too_large(size)), size)
