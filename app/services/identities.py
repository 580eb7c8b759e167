"""Linking a second account to a profile, and giving it back."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from app.domain.commits import Changes, Commit, ProfileWrite
from app.domain.errors import ErrorCode, Forbidden, Refused, Unauthenticated, Unavailable
from app.domain.filters import Eq, Filter
from app.domain.identities import PROOF_SECONDS, LinkMetadata, check_link, check_linked, check_room, link, unlink
from app.domain.ids import Key, encode_id
from app.domain.logins import filled_fields
from app.domain.logs import FieldChange, LogEventType, diff
from app.domain.principals import ActorKind, Principal
from app.domain.roles import permission_changes, role_changes
from app.domain.rules import LINK_IDENTITY, Rule
from app.domain.times import now
from app.domain.users import Identity, User
from app.policy.identities import shared_access, why_not_linked
from app.services.callers import Callers
from app.services.use_cases import requires
from app.services.writes import AuthorizedWrite, Target, Writes
from app.store.errors import Conflict, Taken
from app.store.roles import RoleStore
from app.store.users import UserStore

Verify = Callable[[str], Awaitable[Principal]]


@dataclass(frozen=True, slots=True)
class Secondary:
    """The second account: named by its userId, or proven by a token of it."""

    user_id: str | None = None
    token: str | None = None


class Identities:
    """`verify` makes a principal of a token, or raises Unauthenticated. `max_bytes` is the most that either metadata
    document may take as compact JSON.
    """

    def __init__(
        self,
        writes: Writes,
        callers: Callers,
        users: UserStore,
        roles: RoleStore,
        verify: Verify,
        max_bytes: int,
    ) -> None:
        self._writes = writes
        self._callers = callers
        self._users = users
        self._roles = roles
        self._verify = verify
        self._max_bytes = max_bytes

    @requires(LINK_IDENTITY)
    async def link(
        self, principal: Principal | None, rule: Rule, target: Target, secondary: Secondary, how: LinkMetadata
    ) -> User:
        """The profile with the account. Raises what `Writes.begin` does; Refused with INVALID_INPUT, NOT_FOUND,
        USER_BLOCKED, TOO_LARGE, CONTENDED.
        """

        async def attempt(opened: AuthorizedWrite) -> User:
            caller, primary = opened.caller, opened.user
            other = await self._secondary(caller, primary, secondary)
            reason = why_not_linked(caller, primary.id, other.id)
            if reason:
                raise Forbidden(reason)
            check_link(primary, other)
            after, waiting = link(primary, other, how, shared_access(caller, primary.id, other.id))
            check_linked(primary, after, self._max_bytes)
            # The account that waits gives its keys up before the other takes them.
            pairs = [(other, waiting), (primary, after)]
            return (await self._commit(opened, LogEventType.IDENTITY_LINKED, pairs))[1]

        opened = await self._writes.begin(principal, rule, target, temporary=False)
        check_room(opened.user)
        return await self._writes.retry(opened, attempt)

    @requires(LINK_IDENTITY)
    async def unlink(self, principal: Principal | None, rule: Rule, target: Target, identity_id: str) -> User:
        """The profile without the account, which has its own again. Refused with NOT_FOUND for no identity of it,
        INVALID_INPUT for the one that is the profile's own.
        """

        async def attempt(opened: AuthorizedWrite) -> User:
            primary = opened.user
            identity = _named(primary, identity_id)
            other = await self._users.find_with_linked(primary.tenant, Eq("_id", identity.origin))
            assert other
            after, given_back = unlink(primary, other, identity)
            pairs = [(primary, after), (other, given_back)]
            return (await self._commit(opened, LogEventType.IDENTITY_UNLINKED, pairs))[0]

        opened = await self._writes.begin(principal, rule, target, temporary=False)
        if len(opened.user.identities) == 1:
            # Refuses: there is nothing to unlink.
            _named(opened.user, identity_id)
        return await self._writes.retry(opened, attempt)

    async def _secondary(self, caller: Principal, primary: User, secondary: Secondary) -> User:
        where: Filter = Eq("user_id", secondary.user_id)
        if secondary.token is not None:
            where = await self._proven(caller, secondary.token)
        elif caller.is_self(primary.id):
            message = "Prove that the other account is yours, with a token of it."
            raise Refused(ErrorCode.INVALID_INPUT, message, ("secondary", "userId"))
        found = await self._users.find_with_linked(caller.tenant, where)
        if found is None:
            raise Refused(ErrorCode.NOT_FOUND, "There is no such account.", ("secondary",))
        return found

    async def _proven(self, caller: Principal, token: str) -> Filter:
        """By a fresh token of the same issuer and application, of another subject, who signed in recently."""
        try:
            proof = await self._verify(token)
        except (Unauthenticated, Unavailable):
            raise _no_proof("The token is no good.") from None
        if proof.kind is not ActorKind.USER or proof.subject == caller.subject:
            raise _no_proof("The token is not of another user.")
        if (proof.tenant, proof.issuer, proof.client_id) != (caller.tenant, caller.issuer, caller.client_id):
            raise _no_proof("The token is of another issuer or application than yours.")
        if proof.issued_at is None or time.time() - proof.issued_at > PROOF_SECONDS:
            raise _no_proof(f"The token was issued more than {PROOF_SECONDS} seconds ago.")
        if not self._writes.is_recent(proof):
            raise _no_proof("The token is not of a recent sign-in.")
        where = await self._callers.where(proof)
        if where is None:
            raise Refused(ErrorCode.NOT_FOUND, "There is no such account.", ("secondary",))
        return where

    async def _commit(self, opened: AuthorizedWrite, type_: LogEventType, pairs: list[tuple[User, User]]) -> list[User]:
        """Both as they are written, in this order: with a new version and an event each. Raises Conflict."""
        at = now()
        moved = [(before, replace(after, version=before.version + 1, updated_at=at)) for before, after in pairs]
        changed = {each for before, after in pairs for each in set(before.role_ids) ^ set(after.role_ids)}
        names = await self._roles.names(opened.caller.tenant, changed)
        (_, one), (_, two) = moved
        events = []
        for (before, after), other in zip(moved, (two, one), strict=True):
            changes = Changes(type_, {"identities": after.identities}, details={"otherUserId": other.user_id})
            audit = _audit(before, after, names)
            events.append(self._writes.events.of_profile(opened.caller, after, changes, opened.target.reason, audit))
        try:
            await self._writes.execute(Commit(tuple(ProfileWrite(*each) for each in moved), tuple(events)))
        except Taken:
            # Another writer took a key of one of them, which moves no version of theirs.
            raise Conflict from None
        return [one, two]


def _audit(before: User, after: User, names: Mapping[Key, str]) -> tuple[FieldChange, ...]:
    """`names` are those of the roles that differ."""
    return (
        *diff(filled_fields(before), filled_fields(after)),
        *diff({"blocked": before.blocked}, {"blocked": after.blocked}),
        *role_changes(before.role_ids, after.role_ids, names),
        *permission_changes(before.permissions, after.permissions),
    )


def _named(user: User, identity_id: str) -> Identity:
    for index, each in enumerate(user.identities):
        key = "|".join((each.provider, each.connection, each.user_id))
        if encode_id("Identity", key) == identity_id:
            if index == 0 or each.origin is None:
                message = "That is the profile's own identity: it stays."
                raise Refused(ErrorCode.INVALID_INPUT, message, ("identityId",))
            return each
    raise Refused(ErrorCode.NOT_FOUND, "The user has no such identity.", ("identityId",))


def _no_proof(message: str) -> Refused:
    return Refused(ErrorCode.INVALID_INPUT, message, ("secondary", "token"))
