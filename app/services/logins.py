"""recordLogin: writes the profile, the device, the event and the idempotency record of a login in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.domain.commits import Commit, ProfileWrite, SideEffect
from app.domain.connections import SyncRootAttributes
from app.domain.devices import PutDevice
from app.domain.errors import ErrorCode, Refused
from app.domain.filters import In
from app.domain.identifiers import keys_of
from app.domain.ids import Key
from app.domain.login_rules import LoginRule
from app.domain.logins import (
    MAX_FAILURES,
    MAX_PROFILE_BYTES,
    ForgetFailures,
    Login,
    PutIdempotencyRecord,
    create_profile,
    keys_of_login,
    refresh_profile,
    versioned_fields,
)
from app.domain.logs import LogEvent, LogEventType, same
from app.domain.normalizers.registry import normalize
from app.domain.principals import Principal
from app.domain.rules import CREATE_LOGINS, UPDATE_APP_METADATA, Rule
from app.domain.sizes import compact, too_large
from app.domain.times import now
from app.domain.users import User
from app.policy.rules import forbidden
from app.services.callers import Callers
from app.services.devices import to_device
from app.services.idempotency import IdempotentRequest, find_record, read_request
from app.services.identifiers import named_connection
from app.services.login_events import login_event, success_event
from app.services.login_reports import LoginReport, check_report, invalid
from app.services.login_rules import LoginRules
from app.services.provider_tokens import encrypt_token, renew_tokens
from app.services.use_cases import requires
from app.services.writes import TAKEN, Writes
from app.store.connections import ConnectionStore
from app.store.database import new_id
from app.store.errors import Conflict, Taken
from app.store.logins import LoginStore
from app.store.token_cipher import TokenCipher
from app.store.users import UserStore


@dataclass(frozen=True, slots=True)
class Recorded:
    """The result of a login. `created` is true when the login created the profile; `event` is the `_id` of its event.

    `user` is the profile as this login wrote it. It is only the `_id` when an earlier request with the same idempotency
    key recorded the login.
    """

    user: User | Key
    created: bool
    event: Key


@dataclass(frozen=True, slots=True)
class _Request:
    """The input of every attempt to record one login. `keys` find the profile; `rules` are the tenant's login rules."""

    report: LoginReport
    login: Login
    keys: list[str]
    rules: Sequence[LoginRule]
    idempotent: IdempotentRequest | None


class RecordLogins:
    """The use case of recordLogin."""

    def __init__(
        self,
        writes: Writes,
        callers: Callers,
        users: UserStore,
        logins: LoginStore,
        connections: ConnectionStore,
        cipher: TokenCipher,
        rules: LoginRules,
    ) -> None:
        self._writes = writes
        self._callers = callers
        self._users = users
        self._logins = logins
        self._connections = connections
        self._cipher = cipher
        self._rules = rules

    @requires(CREATE_LOGINS)
    async def record(self, principal: Principal | None, rule: Rule, report: LoginReport) -> Recorded:
        """Creates or refreshes the profile. Raises Forbidden, and Refused with INVALID_INPUT, NOT_FOUND,
        ALREADY_EXISTS, USER_BLOCKED (after recording the failed login), LOGIN_RULE_FAILED, CONTENDED.
        """
        caller = await self._callers.authorize(principal, rule)
        report = check_report(report)
        idempotent = read_request(caller, report)
        known = await self._find_recorded(idempotent)
        if known is not None:
            return known
        login = await self._to_login(caller, report)
        keys = keys_of_login(login)
        if not keys:
            raise invalid(
                "profile does not identify a user. It must contain an id. For a database or passwordless connection, an"
                " e-mail address, a username or a phone number is enough.",
                "profile",
            )
        request = _Request(report, login, keys, await self._rules.enabled(caller.tenant), idempotent)
        attempts = 0

        async def attempt() -> Recorded:
            nonlocal attempts, caller
            attempts += 1
            if attempts > 1:
                # Another writer committed first: it may have blocked the caller, or recorded this same login.
                caller = await self._callers.confirm(caller)
                known = await self._find_recorded(idempotent)
                if known is not None:
                    return known
            return await self._attempt(caller, request)

        return await self._writes.contention.run((caller.tenant, keys[0]), attempt)

    async def _attempt(self, caller: Principal, request: _Request) -> Recorded:
        """Reads the profile, applies the login and the login rules to it, and commits the result.

        Raises Conflict when another writer committed first, and Refused and Forbidden as `record` does.
        """
        report, login, at = request.report, request.login, now()
        before = await self._users.find(caller.tenant, In("keys", request.keys))
        failures = 0
        if before is None:
            after = _create(login, at)
        else:
            failures = await self._count_failures(report, login, before)
            after = renew_tokens(self._cipher, refresh_profile(before, login, at))
        after = await self._rules.apply(request.rules, after, login, at)
        await self._check_app_metadata(caller, before, after)
        # Counters, tokens and the provider's raw profile do not change the version: otherwise every login would be a
        # version conflict for a user who is editing the profile.
        if before is not None and versioned_fields(before) != versioned_fields(after):
            after = replace(after, version=before.version + 1, updated_at=at)
        event = success_event(self._writes.events, report, login, before, after)
        side_effects = self._side_effects(request, before, after, failures, event, at)
        try:
            await self._writes.execute(Commit((_to_write(before, after),), (event,), side_effects))
        except Taken:
            await self._check_identifiers(after, request.keys)
            raise Conflict from None
        return Recorded(after, before is None, event.id)

    def _side_effects(
        self, request: _Request, before: User | None, after: User, failures: int, event: LogEvent, at: datetime
    ) -> tuple[SideEffect, ...]:
        report, found = request.report, list[SideEffect]()
        if request.idempotent is not None:
            record = request.idempotent.to_record(after.id, before is None, event.id, at)
            found.append(PutIdempotencyRecord(record))
        if report.device is not None:
            location = self._writes.events.locate(report.ip)
            found.append(PutDevice(to_device(report, report.device, after, location, request.login.at)))
        if failures:
            found.append(ForgetFailures(report.ip))
        return tuple(found)

    async def _check_app_metadata(self, caller: Principal, before: User | None, after: User) -> None:
        """Raises Forbidden when users record a login and a login rule would change their own app_metadata."""
        stored = {} if before is None else before.app_metadata
        if not same(stored, after.app_metadata) and await self._callers.is_own(caller, after):
            raise forbidden(caller, UPDATE_APP_METADATA, is_self=True)

    async def _check_identifiers(self, after: User, keys: list[str]) -> None:
        """Raises Refused with ALREADY_EXISTS when another profile has an identifier of this profile.

        Another attempt would fail in the same way. When the other profile is the same account, a login at the same time
        created it, and another attempt succeeds.
        """
        owner = await self._users.find(after.tenant, In("keys", keys_of(after)))
        if owner is not None and owner.id != after.id and not set(keys) & set(keys_of(owner)):
            raise Refused(ErrorCode.ALREADY_EXISTS, TAKEN, ("profile",))

    async def _count_failures(self, report: LoginReport, login: Login, user: User) -> int:
        """Returns how many logins to this account failed from this IP address.

        Raises Refused with USER_BLOCKED, after recording the failed login, when there are too many or the user is
        blocked.
        """
        failures = 0 if report.ip is None else await self._logins.count_failures(user.tenant, user.id, report.ip)
        if not user.blocked and failures < MAX_FAILURES:
            return failures
        type_ = LogEventType.LOGIN_FAILED_USER_BLOCKED
        await self._writes.record_event(login_event(self._writes.events, report, type_, login.connection, user))
        message = "The user is blocked." if user.blocked else "Too many logins from this IP address failed."
        raise Refused(ErrorCode.USER_BLOCKED, message, ())

    async def _find_recorded(self, request: IdempotentRequest | None) -> Recorded | None:
        """Returns the result of an earlier login with this idempotency key. Raises what `find_record` raises."""
        found = await find_record(self._logins, request)
        return None if found is None else Recorded(found.user, found.created, found.event)

    async def _to_login(self, caller: Principal, report: LoginReport) -> Login:
        connection = await named_connection(self._connections, caller.tenant, report.connection)
        profile_data, dropped_bytes = _profile_data(report.profile)
        return Login(
            connection=connection,
            claims=normalize(connection.strategy, report.profile),
            at=report.date or now(),
            profile_data=profile_data,
            dropped_bytes=dropped_bytes,
            access_token=encrypt_token(self._cipher, report.access_token, "accessToken"),
            refresh_token=encrypt_token(self._cipher, report.refresh_token, "refreshToken"),
            ip=report.ip,
        )


def _create(login: Login, at: datetime) -> User:
    """Returns a new profile.

    Raises Refused with NOT_FOUND when the connection has the setting NEVER and its accounts are at the provider.
    """
    if not login.is_managed and login.connection.sync_root_attributes is SyncRootAttributes.NEVER:
        message = f"There is no such user, and connection {login.connection.name} does not create users at login."
        raise Refused(ErrorCode.NOT_FOUND, message, ("profile",))
    return create_profile(login, new_id(), login.claims.user_id or str(new_id()), at)


def _to_write(before: User | None, after: User) -> ProfileWrite:
    """Returns the write of the profile. `before` is None for a new profile."""
    if before is None:
        return ProfileWrite(None, after)
    # Most logins do not change the version, so two logins at the same time do not conflict. The database adds to the
    # counter, because a stored sum would lose one of the two.
    return ProfileWrite(before, after, increments={"logins_count": 1}, maximum=("last_login",))


def _profile_data(profile: Mapping[str, Any]) -> tuple[str, int | None]:
    """Returns the provider's profile as JSON and None; when it is too large, a marker and the size in bytes."""
    text = compact(profile)
    size = len(text.encode())
    return (text, None) if size <= MAX_PROFILE_BYTES else (compact(too_large(size)), size)
