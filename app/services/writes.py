"""Writes of profiles: authorize, load, decide, commit. Every use case that changes a profile uses this module."""

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

# Seconds for which a sign-in is recent.
MAX_AGE_SECONDS = 300
TAKEN = "Another user of this connection has this e-mail address, username or phone number."

Decide = Callable[[User], Changes]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """The profile to write, the version that it must have, and the reason for the history.

    When `user_id` is None, it is the caller's own profile. When `if_version` is None, the version does not matter.
    """

    user_id: str | None = None
    if_version: int | None = None
    reason: str | None = None

    def is_self(self, principal: Principal | None) -> bool:
        """Returns whether the profile is the caller's own."""
        return principal is not None and self.user_id in (None, principal.user_id)


@dataclass(frozen=True, slots=True)
class AuthorizedWrite:
    """A caller who may write a profile according to `rule`, and the profile. Both have the state of the last read.

    `rule` is None when the write is authorized by something other than the scopes of a token, such as a ticket.
    """

    caller: Principal
    user: User
    rule: Rule | None
    target: Target


class Writes:
    """Writes profiles.

    `deadline` is the time limit of a write that competes with other writes. A sign-in is recent for `max_age`. Both are
    in seconds.
    """

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
        """Changes a profile as `decide` says, and returns the profile after the change.

        `decide` must be a pure function, because it is called again after each conflict. When it changes nothing,
        nothing is written. Raises what `begin` and `commit` raise.
        """
        principal = require_for_any_profile(principal, rule, target.is_self(principal))
        where = _where(principal, target)
        check_reason(target.reason)
        name, loaded = (principal.tenant, where.key()), principal.take_loaded()
        # The profile that was loaded for identifying the caller saves one read. It is not used while another write of
        # this profile is running, because it would then be outdated. It is not used for a caller who may not write
        # either, because only another read shows whether the answer is Forbidden or UserBlocked.
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
        """Authorizes a write that needs other lookups or slow work before `decide`, and loads the profile.

        A use case passes False as `temporary` when it first reports refusals that a new sign-in would not change. It
        must then call `check_temporary` before any slow work. Raises Unauthenticated, Forbidden,
        InsufficientUserAuthentication, UserBlocked, VersionConflict, and Refused with INVALID_INPUT or NOT_FOUND.
        """
        principal = require_for_any_profile(principal, rule, target.is_self(principal))
        where = _where(principal, target)
        check_reason(target.reason)
        # The profile is read again, because steps before the commit have effects of their own, such as the count of
        # password changes. A caller who has been blocked must not cause them.
        principal.take_loaded()
        opened = await self._load(principal, rule, target, where)
        if temporary:
            self.check_temporary(opened)
        return opened

    async def commit(self, opened: AuthorizedWrite, decide: Decide) -> User:
        """Like `apply`, for a write that `begin` authorized. Raises what `retry` raises, and what `decide` raises."""
        return await self.retry(opened, lambda current: self._commit(current, decide))

    async def retry(self, opened: AuthorizedWrite, attempt: Callable[[AuthorizedWrite], Awaitable[T]]) -> T:
        """Calls `attempt`, which must execute one commit, and returns its result.

        When another writer committed first, `attempt` is called again with the current caller and profile. Raises what
        `begin` raises, Refused with CONTENDED, and what `attempt` raises.
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
        """Raises InsufficientUserAuthentication without a recent sign-in, and VersionConflict for another version."""
        rule, target, user = opened.rule, opened.target, opened.user
        if rule is not None and rule.recent and opened.caller.is_self(user.id):
            self.require_recent(opened.caller)
        if target.if_version is not None and target.if_version != user.version:
            raise VersionConflict(target.if_version, user.version, user)

    async def record(self, opened: AuthorizedWrite, changes: Changes) -> None:
        """Records an event about the profile without a change of the profile."""
        await self.record_event(self.events.of_profile(opened.caller, opened.user, changes, opened.target.reason))

    async def record_event(self, event: LogEvent) -> None:
        """Records an event without a change."""
        await self._commits.record(event)

    async def execute(self, commit: Commit) -> None:
        """Executes a commit. Raises Conflict and Taken, and Refused when a side effect cannot be written or the
        connection of a new profile does not exist any more.
        """
        try:
            await self._commits.execute(commit)
        except StoreError as error:
            if error.side_effect is not None:
                raise error.side_effect.refusal() from None
            if isinstance(error, Gone):
                raise unknown_connection() from None
            raise

    def require_recent(self, principal: Principal) -> None:
        """Raises InsufficientUserAuthentication when the caller did not sign in recently."""
        if not self.is_recent(principal):
            raise InsufficientUserAuthentication(self._max_age)

    def is_recent(self, principal: Principal) -> bool:
        """Returns whether the user of this token signed in recently."""
        return is_recent(principal, time.time(), self._max_age)

    async def _load(
        self, principal: Principal, rule: Rule | None, target: Target, where: Filter, known: User | None = None
    ) -> AuthorizedWrite:
        """Loads the current caller and profile, and authorizes the write.

        `known` is the profile when it was read a moment ago. If it is outdated, the commit raises Conflict.
        """
        # This runs again for each attempt, because rights and blocks can change while a write waits for others.
        user = known or await self._users.find(principal.tenant, where)
        if rule is not None:
            principal = await self._confirm(principal, user)
        # NOT_FOUND is only for callers who may know that the user does not exist: callers who may write any profile,
        # and users who write their own. All others get Forbidden, as for an existing user.
        if user is None and (rule is None or holds(principal, rule) or target.user_id is None):
            raise Refused(ErrorCode.NOT_FOUND, "There is no such user.", ("userId",))
        if rule is not None:
            self._check(principal, rule, user)
        assert user
        return AuthorizedWrite(principal, user, rule, target)

    def _check(self, principal: Principal, rule: Rule, user: User | None) -> None:
        # A user who may write only their own profile must not learn whether another user exists.
        is_self = user is not None and principal.is_self(user.id)
        if user is None or not holds(principal, rule, is_self):
            raise forbidden(principal, rule, is_self)

    async def _confirm(self, principal: Principal, user: User | None) -> Principal:
        """Returns the current caller. Raises UserBlocked. `user` is the profile to write, which was just read."""
        # When the profile is the caller's own, it shows whether the caller is blocked, and nothing else must be read.
        if user is None or not _is_own(principal, user):
            return await self._callers.confirm(principal)
        if user.blocked:
            raise UserBlocked
        return replace(principal, linked=tuple(user.profile_ids()[1:]))

    async def _confirm_again(self, opened: AuthorizedWrite) -> AuthorizedWrite:
        """Authorizes the write again right before the commit. Raises UserBlocked and Forbidden."""
        # Slow work can lie between `begin` and the commit, and the caller may have been blocked since. A write of the
        # caller's own profile needs no check: a block changes its version, so the commit raises Conflict.
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
    """Returns the refusal for identifiers that another user has. Its path is the first of the given identifiers."""
    given = set(identifiers)
    path = [to_camel(each) for each in IDENTIFIERS if each in given]
    return Refused(ErrorCode.ALREADY_EXISTS, TAKEN, path[:1])


def _is_own(principal: Principal, user: User) -> bool:
    """Returns whether the caller's token certainly names this profile."""
    is_own = principal.kind is ActorKind.USER and user.id == principal.profile
    return is_own and has_subject(user, principal.subject, principal.connection)


def _where(principal: Principal, target: Target) -> Filter:
    if target.user_id is not None:
        return Eq("user_id", target.user_id)
    if principal.kind is not ActorKind.USER:
        message = "An application has no profile of its own. Set userId."
        raise Refused(ErrorCode.INVALID_INPUT, message, ("userId",))
    if principal.profile is None:
        raise Refused(ErrorCode.NOT_FOUND, "The caller has no profile yet.", ("userId",))
    return Eq("_id", principal.profile)
