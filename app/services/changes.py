"""The one way of writing a profile: read, decide, compare and set, with its log event in the same transaction."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakValueDictionary

from app.domain.errors import ErrorCode, InsufficientUserAuthentication, Refused, UserBlocked, VersionConflict
from app.domain.identifiers import is_named
from app.domain.logs import Actor, FieldChange, LogEvent, diff, same
from app.domain.metadata import is_well_formed
from app.domain.principals import ActorKind, Principal
from app.domain.rows import to_camel
from app.domain.rules import Rule
from app.domain.times import now
from app.domain.users import Changes, User
from app.policy.rules import forbidden, holds, is_recent, require_for_any_profile
from app.services.callers import Callers
from app.store.database import KeyTaken, new_id
from app.store.users import Users

DEADLINE_SECONDS = 5.0
MAX_AGE_SECONDS = 300
MAX_REASON = 500
# Kept beside the values that they are about, and told by them: no change of their own.
_NOT_TOLD = frozenset({"provenance"})

Decide = Callable[[User], Changes]


@dataclass(frozen=True, slots=True)
class Target:
    """Whose profile, at which version, and why. `user_id` None is the caller; `if_version` None takes any."""

    user_id: str | None = None
    if_version: int | None = None
    reason: str | None = None

    def is_self(self, principal: Principal | None) -> bool:
        """Whether the profile is the caller's own."""
        return principal is not None and self.user_id in (None, principal.user_id)


class Queue:
    """Those of one process who write the same thing take turns, so that few of them meet another's write."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, key: tuple[str, str], deadline: float) -> AsyncIterator[None]:
        """Refused with CONTENDED where none comes before `deadline`, by `time.monotonic`."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        try:
            await asyncio.wait_for(lock.acquire(), deadline - time.monotonic())
        except TimeoutError:
            raise _contended() from None
        try:
            yield
        finally:
            lock.release()


class ProfileChanges:
    """Writes of profiles. Writers of one user in this process queue; between processes they try again."""

    def __init__(
        self, users: Users, callers: Callers, deadline: float = DEADLINE_SECONDS, max_age: int = MAX_AGE_SECONDS
    ) -> None:
        """`max_age` is how many seconds ago a sign-in may be for what needs a recent one."""
        self._users = users
        self._callers = callers
        self._deadline = deadline
        self._max_age = max_age
        self._queue = Queue()

    async def apply(self, principal: Principal | None, rule: Rule, target: Target, decide: Decide) -> User:
        """The profile as it is after `decide`, which is pure and may be asked more than once.

        What changes nothing writes nothing. Raises Unauthenticated, Forbidden, InsufficientUserAuthentication,
        UserBlocked; Refused with INVALID_INPUT, NOT_FOUND, CONTENDED, or by `decide`; VersionConflict.
        """
        principal = require_for_any_profile(principal, rule, target.is_self(principal))
        return await self._write(principal, rule, _where(principal, target), target, decide)

    async def apply_to_own(self, principal: Principal, decide: Decide) -> User:
        """The caller's own profile, where something else than a token's scopes showed that they may: a ticket.

        Refused with NOT_FOUND where it is gone; else likewise.
        """
        return await self._write(principal, None, {"_id": principal.profile}, Target(), decide)

    async def _write(
        self, principal: Principal, rule: Rule | None, where: Mapping[str, Any], target: Target, decide: Decide
    ) -> User:
        check_reason(target.reason)
        deadline = time.monotonic() + self._deadline
        async with self._queue.turn((principal.tenant, str(where)), deadline):
            while True:
                caller, user = await self._find(principal, rule, where)
                after = await self._attempt(caller, target, user, decide)
                if after is not None:
                    return after
                await wait(deadline)

    def require_recent(self, principal: Principal) -> None:
        """InsufficientUserAuthentication where the caller did not sign in recently."""
        if not self.is_recent(principal):
            raise InsufficientUserAuthentication(self._max_age)

    def is_recent(self, principal: Principal) -> bool:
        """Whether the user of this token signed in recently."""
        return is_recent(principal, time.time(), self._max_age)

    async def find(self, principal: Principal | None, rule: Rule, target: Target) -> tuple[Principal, User]:
        """The caller as they are now, and the profile that something beside it is about to be changed of.

        Raises what `apply` does, but CONTENDED.
        """
        principal = require_for_any_profile(principal, rule, target.is_self(principal))
        where = _where(principal, target)
        check_reason(target.reason)
        principal, user = await self._find(principal, rule, where)
        if target.if_version is not None and target.if_version != user.version:
            raise VersionConflict(target.if_version, user.version, user)
        return principal, user

    async def _find(self, principal: Principal, rule: Rule | None, where: Mapping[str, Any]) -> tuple[Principal, User]:
        """The caller as they are now, and the profile. Every write of a profile is authorized here, at each attempt."""
        user = await self._users.find({"tenant": principal.tenant, **where})
        if rule is not None:
            principal = await self._confirm(principal, user)
        # That their own profile is gone is no secret to the caller.
        if user is None and (rule is None or holds(principal, rule) or "_id" in where):
            raise Refused(ErrorCode.NOT_FOUND, "There is no such user.", ("userId",))
        if user is not None and rule is None:
            return principal, user
        assert rule
        # To whom only their own profile is open, an unknown user and another one look the same.
        is_self = user is not None and principal.is_self(user.id)
        if user is None or not holds(principal, rule, is_self):
            raise forbidden(principal, rule, is_self)
        if is_self and rule.recent:
            self.require_recent(principal)
        return principal, user

    async def _confirm(self, principal: Principal, user: User | None) -> Principal:
        """The caller as they are now. UserBlocked. `user` is the profile to write, just read.

        The caller's own profile has the block, and a block moves its version, so nothing else is read. For any other
        profile, or none, the caller's own is looked up.
        """
        is_own = user is not None and principal.kind is ActorKind.USER and user.id == principal.profile
        if user is None or not is_own or not is_named(user, principal.subject, principal.connection):
            return await self._callers.confirm(principal)
        if user.blocked:
            raise UserBlocked
        return replace(principal, linked=tuple(user.own()[1:]))

    async def _attempt(self, principal: Principal, target: Target, user: User, decide: Decide) -> User | None:
        """None where another writer came first."""
        if target.if_version is not None and target.if_version != user.version:
            raise VersionConflict(target.if_version, user.version, user)
        changes = decide(user)
        fields = {name: value for name, value in changes.fields.items() if not same(getattr(user, name), value)}
        if not (fields or changes.beside):
            return user
        changes = replace(changes, fields=fields)
        after = replace(user, **fields)
        if changes.moves_version:
            after = replace(after, version=user.version + 1, updated_at=now())
        told = _told(user, fields) if changes.told is None else changes.told
        event = to_event(principal, after, changes, target.reason, told)
        try:
            return after if await self._users.replace(user, after, event, changes.beside) else None
        except KeyTaken:
            raise taken(fields) from None


def taken(identifiers: Iterable[str]) -> Refused:
    """Of these fields, the first that names a user belongs to another."""
    given = set(identifiers)
    path = [to_camel(each) for each in ("email", "username", "phone_number") if each in given]
    message = "Another user of this connection has this address, name or number."
    return Refused(ErrorCode.ALREADY_EXISTS, message, path[:1])


def to_event(
    principal: Principal,
    after: User,
    changes: Changes,
    reason: str | None,
    told: tuple[FieldChange, ...],
) -> LogEvent:
    """The history entry of a change; `actor` only where somebody else made it.

    One that does not move the version is of now, and of no version.
    """
    at = after.updated_at if changes.moves_version else now()
    return LogEvent(
        id=new_id(),
        tenant=after.tenant,
        type=changes.type,
        date=at,
        recorded_at=at,
        user=after.id,
        user_id=after.user_id,
        user_name=after.name,
        user_version=after.version if changes.moves_version else None,
        actor=None if changes.by_user or principal.is_self(after.id) else to_actor(principal),
        client_id=None if changes.by_user else principal.client_id,
        ip=None if changes.by_user else principal.ip,
        user_agent=None if changes.by_user else principal.user_agent,
        changes=told,
        reason=reason,
        details=changes.details,
    )


def to_actor(principal: Principal) -> Actor:
    """Who did it, for an event."""
    return Actor(principal.kind, principal.subject, principal.name)


def _told(user: User, fields: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    told = {name: value for name, value in fields.items() if name not in _NOT_TOLD}
    return diff({name: getattr(user, name) for name in told}, told)


def _where(principal: Principal, target: Target) -> dict[str, Any]:
    if target.user_id is not None:
        return {"user_id": target.user_id}
    if principal.kind is not ActorKind.USER:
        message = "An application has no profile of its own: say whose."
        raise Refused(ErrorCode.INVALID_INPUT, message, ("userId",))
    if principal.profile is None:
        raise Refused(ErrorCode.NOT_FOUND, "The caller has no profile yet.", ("userId",))
    return {"_id": principal.profile}


def check_reason(reason: str | None) -> None:
    """Refused with INVALID_INPUT."""
    if reason is not None and not (len(reason) <= MAX_REASON and is_well_formed(reason)):
        message = f"A reason is well-formed text of at most {MAX_REASON} characters."
        raise Refused(ErrorCode.INVALID_INPUT, message, ("reason",))


async def wait(deadline: float) -> None:
    """Full jitter, so that writers who met once do not meet again; Refused after the deadline."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise _contended()
    await asyncio.sleep(min(left, random.uniform(0, 0.05)))  # noqa: S311 - spreads writers, hides nothing


def _contended() -> Refused:
    message = "Other writers changed this again and again, so nothing was changed. Send it again."
    return Refused(ErrorCode.CONTENDED, message)
