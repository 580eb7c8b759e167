"""The one way of writing a profile: authorize, load, decide, commit."""

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from app.domain.accounts import IDENTIFIERS
from app.domain.commits import Changes, Commit, ProfileWrite
from app.domain.connections import unknown_connection
from app.domain.errors import ErrorCode, InsufficientUserAuthentication, Refused, UserBlocked, VersionConflict
from app.domain.filters import Eq, Filter
from app.domain.identifiers import has_subject
from app.domain.logs import LogEvent, check_reason, same
from app.domain.principals import ActorKind, Principal
from app.domain.rows import to_camel
from app.domain.rules import Rule
from app.domain.times import now
from app.domain.users import User
from app.policy.rules import forbidden, holds, is_recent, require_for_any_profile
from app.services.callers import Callers
from app.services.contention import DEADLINE_SECONDS, Contention
from app.services.events import Events, audit_changes
from app.store.commits import Commits
from app.store.errors import Gone, StoreError, Taken
from app.store.users import UserStore

MAX_AGE_SECONDS = 300
TAKEN = "Another user of this connection has this address, name or number."

Decide = Callable[[User], Changes]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """Whose profile, at which version, and why. `user_id` None is the caller; `if_version` None takes any."""

    user_id: str | None = None
    if_version: int | None = None
    reason: str | None = None

    def is_self(self, principal: Principal | None) -> bool:
        """Whether the profile is the caller's own."""
        return principal is not None and self.user_id in (None, principal.user_id)


@dataclass(frozen=True, slots=True)
class AuthorizedWrite:
    """A caller who may write a profile by `rule`, and the profile. Both are as they were when they were read.

    Without a rule something other than the scopes of a token shows that the caller may write it, such as a ticket.
    """

    caller: Principal
    user: User
    rule: Rule | None
    target: Target


class Writes:
    """Writes of profiles. `max_age` is how many seconds ago a sign-in may be for what needs a recent one."""

    def __init__(
        self,
        users: UserStore,
        commits: Commits,
        callers: Callers,
        events: Events,
        deadline: float = DEADLINE_SECONDS,
        max_age: int = MAX_AGE_SECONDS,
    ) -> None:
        self.events = events
        self.contention = Contention(deadline)
        self._users = users
        self._commits = commits
        self._callers = callers
        self._max_age = max_age

    async def apply(self, principal: Principal | None, rule: Rule, target: Target, decide: Decide) -> User:
        """The profile after `decide`, which is pure and may be called more than once. No change writes nothing.

        Raises what `begin` and `commit` do.
        """
        principal = require_for_any_profile(principal, rule, target.is_self(principal))
        where = _where(principal, target)
        check_reason(target.reason)
        name, loaded = (principal.tenant, where.key()), principal.take_loaded()
        # Behind another writer it is outdated. A caller who may not write is told so after another look at the profile,
        # because a blocked caller is told that instead.
        is_usable = target.is_self(principal) and holds(principal, rule, is_self=True)
        known = [loaded] if loaded is not None and is_usable and not self.contention.is_busy(name) else []

        async def attempt() -> User:
            opened = await self._load(principal, rule, target, where, known.pop() if known else None)
            self.check_temporary(opened)
            return await self._commit(opened, decide)

        return await self.contention.run(name, attempt)

    async def begin(
        self, principal: Principal | None, rule: Rule, target: Target, temporary: bool = True
    ) -> AuthorizedWrite:
        """For a write that needs other lookups or slow work before it can be decided.

        A caller that first reports what a new sign-in would not change passes False as `temporary`, and calls
        `check_temporary` before any slow work. Raises Unauthenticated, Forbidden, InsufficientUserAuthentication,
        UserBlocked; Refused with INVALID_INPUT, NOT_FOUND; VersionConflict.
        """
        principal = require_for_any_profile(principal, rule, target.is_self(principal))
        where = _where(principal, target)
        check_reason(target.reason)
        # Read again: what happens before the commit has effects of its own, such as a count of passwords.
        principal.take_loaded()
        opened = await self._load(principal, rule, target, where)
        if temporary:
            self.check_temporary(opened)
        return opened

    async def commit(self, opened: AuthorizedWrite, decide: Decide) -> User:
        """Like `apply`, for what `begin` returned. Raises also Refused with CONTENDED, and what `decide` raises."""
        return await self.retry(opened, lambda current: self._commit(current, decide))

    async def retry(self, opened: AuthorizedWrite, attempt: Callable[[AuthorizedWrite], Awaitable[T]]) -> T:
        """What `attempt` returns, which executes one commit. When another writer committed first, it is called again,
        with the caller and the profile as they are then.
        """
        self.check_temporary(opened)
        first = [opened]
        where = _where(opened.caller, opened.target)

        async def run() -> T:
            if first:
                return await attempt(await self._confirm_again(first.pop()))
            current = await self._load(opened.caller, opened.rule, opened.target, where)
            self.check_temporary(current)
            return await attempt(current)

        return await self.contention.run((opened.caller.tenant, where.key()), run)

    def check_temporary(self, opened: AuthorizedWrite) -> None:
        """InsufficientUserAuthentication for a sign-in that is too long ago, VersionConflict for an old version."""
        rule, target, user = opened.rule, opened.target, opened.user
        if rule is not None and rule.recent and opened.caller.is_self(user.id):
            self.require_recent(opened.caller)
        if target.if_version is not None and target.if_version != user.version:
            raise VersionConflict(target.if_version, user.version, user)

    async def record(self, opened: AuthorizedWrite, changes: Changes) -> None:
        """An event about the profile that goes with no change of it."""
        await self.record_event(self.events.of_profile(opened.caller, opened.user, changes, opened.target.reason))

    async def record_event(self, event: LogEvent) -> None:
        """An event that goes with no change."""
        await self._commits.record(event)

    async def execute(self, commit: Commit) -> None:
        """Raises Conflict and Taken; Refused when a side effect or the connection of a new profile does."""
        try:
            await self._commits.execute(commit)
        except StoreError as error:
            if error.side_effect is not None:
                raise error.side_effect.refusal() from None
            if isinstance(error, Gone):
                raise unknown_connection() from None
            raise

    def require_recent(self, principal: Principal) -> None:
        """InsufficientUserAuthentication where the caller did not sign in recently."""
        if not self.is_recent(principal):
            raise InsufficientUserAuthentication(self._max_age)

    def is_recent(self, principal: Principal) -> bool:
        """Whether the user of this token signed in recently."""
        return is_recent(principal, time.time(), self._max_age)

    async def _load(
        self, principal: Principal, rule: Rule | None, target: Target, where: Filter, known: User | None = None
    ) -> AuthorizedWrite:
        """The caller and the profile as they are now. Every write of a profile is authorized here, at each attempt.

        `known` is the profile, when it was read just now: if it is outdated, the commit fails.
        """
        user = known or await self._users.find(principal.tenant, where)
        if rule is not None:
            principal = await self._confirm(principal, user)
        # That their own profile is gone is no secret to the caller.
        if user is None and (rule is None or holds(principal, rule) or target.user_id is None):
            raise Refused(ErrorCode.NOT_FOUND, "There is no such user.", ("userId",))
        if rule is not None:
            self._check(principal, rule, user)
        assert user
        return AuthorizedWrite(principal, user, rule, target)

    def _check(self, principal: Principal, rule: Rule, user: User | None) -> None:
        # To whom only their own profile is open, an unknown user and another one look the same.
        is_self = user is not None and principal.is_self(user.id)
        if user is None or not holds(principal, rule, is_self):
            raise forbidden(principal, rule, is_self)

    async def _confirm(self, principal: Principal, user: User | None) -> Principal:
        """The caller as they are now. UserBlocked. `user` is the profile to write, just read.

        The caller's own profile has the block, so nothing else is read. For any other profile, or none, the caller's
        own is looked up.
        """
        if user is None or not _is_own(principal, user):
            return await self._callers.confirm(principal)
        if user.blocked:
            raise UserBlocked
        return replace(principal, linked=tuple(user.profile_ids()[1:]))

    async def _confirm_again(self, opened: AuthorizedWrite) -> AuthorizedWrite:
        """Right before the commit, because slow work may lie between: the caller may be blocked meanwhile.

        A block of the caller's own profile moves its version, so that the commit fails and the profile is read again.
        """
        if opened.rule is None or _is_own(opened.caller, opened.user):
            return opened
        caller = await self._callers.confirm(opened.caller)
        self._check(caller, opened.rule, opened.user)
        return replace(opened, caller=caller)

    async def _commit(self, opened: AuthorizedWrite, decide: Decide) -> User:
        """Raises Conflict when another writer committed first."""
        user, changes = opened.user, decide(opened.user)
        fields = {name: value for name, value in changes.fields.items() if not same(getattr(user, name), value)}
        if not (fields or changes.side_effects):
            return user
        changes = replace(changes, fields=fields)
        after = replace(user, **fields)
        if changes.increases_version:
            after = replace(after, version=user.version + 1, updated_at=now())
        audit = audit_changes(user, fields) if changes.audit is None else changes.audit
        event = self.events.of_profile(opened.caller, after, changes, opened.target.reason, audit)
        try:
            await self.execute(Commit((ProfileWrite(user, after),), (event,), changes.side_effects))
        except Taken:
            raise taken(fields) from None
        return after


def taken(identifiers: Iterable[str]) -> Refused:
    """Of these fields, the first that names a user belongs to another."""
    given = set(identifiers)
    path = [to_camel(each) for each in IDENTIFIERS if each in given]
    return Refused(ErrorCode.ALREADY_EXISTS, TAKEN, path[:1])


def _is_own(principal: Principal, user: User) -> bool:
    """Whether this is certainly the profile that the caller's token names."""
    is_own = principal.kind is ActorKind.USER and user.id == principal.profile
    return is_own and has_subject(user, principal.subject, principal.connection)


def _where(principal: Principal, target: Target) -> Filter:
    if target.user_id is not None:
        return Eq("user_id", target.user_id)
    if principal.kind is not ActorKind.USER:
        message = "An application has no profile of its own: say whose."
        raise Refused(ErrorCode.INVALID_INPUT, message, ("userId",))
    if principal.profile is None:
        raise Refused(ErrorCode.NOT_FOUND, "The caller has no profile yet.", ("userId",))
    return Eq("_id", principal.profile)
