"""linkIdentity and unlinkIdentity: links a second account to a profile, and separates it again."""

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
    """The second account. It is named by its userId, or by a token that proves that it belongs to the caller."""

    user_id: str | None = None
    token: str | None = None


class Identities:
    """Use cases of linking. `verify` returns the principal of a token, or raises Unauthenticated.

    `max_bytes` is the maximum size of each metadata document, in bytes of compact JSON.
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
        """Links the second account to the profile, and returns the profile. Raises what `Writes.begin` raises, and
        Refused with INVALID_INPUT, NOT_FOUND, USER_BLOCKED, TOO_LARGE, CONTENDED.
        """

        async def attempt(opened: AuthorizedWrite) -> User:
            caller, primary = opened.caller, opened.user
            # Both profiles are read and checked again for each attempt, because another writer may have changed them.
            other = await self._find_secondary(caller, primary, secondary)
            reason = why_not_linked(caller, primary.id, other.id)
            if reason:
                raise Forbidden(reason)
            check_link(primary, other)
            after, linked = link(primary, other, how, shared_access(caller, primary.id, other.id))
            check_linked(primary, after, self._max_bytes)
            # The secondary is written first: it gives up its keys, which are unique, before the primary gets them.
            pairs = [(other, linked), (primary, after)]
            return (await self._commit(opened, LogEventType.IDENTITY_LINKED, pairs))[1]

        opened = await self._writes.begin(principal, rule, target, temporary=False)
        check_room(opened.user)
        return await self._writes.retry(opened, attempt)

    @requires(LINK_IDENTITY)
    async def unlink(self, principal: Principal | None, rule: Rule, target: Target, identity_id: str) -> User:
        """Separates a linked account, which gets its own profile back. Returns the profile without the account.

        Raises what `Writes.begin` raises, Refused with NOT_FOUND when the profile has no such identity, with
        INVALID_INPUT for the profile's own identity, and with CONTENDED.
        """

        async def attempt(opened: AuthorizedWrite) -> User:
            primary = opened.user
            identity = _find_identity(primary, identity_id)
            other = await self._users.find_with_linked(primary.tenant, Eq("_id", identity.origin))
            assert other
            after, given_back = unlink(primary, other, identity)
            pairs = [(primary, after), (other, given_back)]
            return (await self._commit(opened, LogEventType.IDENTITY_UNLINKED, pairs))[0]

        opened = await self._writes.begin(principal, rule, target, temporary=False)
        if len(opened.user.identities) == 1:
            # This always raises Refused. A profile without a linked account must not first demand a new sign-in.
            _find_identity(opened.user, identity_id)
        return await self._writes.retry(opened, attempt)

    async def _find_secondary(self, caller: Principal, primary: User, secondary: Secondary) -> User:
        where: Filter = Eq("user_id", secondary.user_id)
        if secondary.token is not None:
            where = await self._check_proof(caller, secondary.token)
        elif caller.is_self(primary.id):
            # A userId is no proof: with it, users could link the account of anyone to their own.
            message = "Set secondary.token to a token of the other account, which proves that it is yours."
            raise Refused(ErrorCode.INVALID_INPUT, message, ("secondary", "userId"))
        found = await self._users.find_with_linked(caller.tenant, where)
        if found is None:
            raise Refused(ErrorCode.NOT_FOUND, "There is no such account.", ("secondary",))
        return found

    async def _check_proof(self, caller: Principal, token: str) -> Filter:
        """Returns the filter for the account of a token that proves its ownership.

        The token must be new, of a recent sign-in, of another user, and of the caller's issuer and application. Raises
        Refused with INVALID_INPUT or NOT_FOUND.
        """
        try:
            proof = await self._verify(token)
        except (Unauthenticated, Unavailable):
            raise _no_proof("The token is not valid.") from None
        if proof.kind is not ActorKind.USER or proof.subject == caller.subject:
            raise _no_proof("The token must belong to another user.")
        # A token that another application received must not be enough to take over its user's account.
        if (proof.tenant, proof.issuer, proof.client_id) != (caller.tenant, caller.issuer, caller.client_id):
            raise _no_proof("The token must have the same issuer and application as your own token.")
        if proof.issued_at is None or time.time() - proof.issued_at > PROOF_SECONDS:
            raise _no_proof(f"The token was issued more than {PROOF_SECONDS} seconds ago.")
        if not self._writes.is_recent(proof):
            raise _no_proof("The sign-in of the token is not recent. Sign in to the other account again.")
        where = await self._callers.where(proof)
        if where is None:
            raise Refused(ErrorCode.NOT_FOUND, "There is no such account.", ("secondary",))
        return where

    async def _commit(self, opened: AuthorizedWrite, type_: LogEventType, pairs: list[tuple[User, User]]) -> list[User]:
        """Writes both profiles in this order, each with a new version and an event, and returns them.

        Raises Conflict when another writer committed first.
        """
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
            # Another profile got one of the keys. This does not change the versions of these two, so it is found only
            # when they are written. The next attempt reads them again.
            raise Conflict from None
        return [one, two]


def _audit(before: User, after: User, names: Mapping[Key, str]) -> tuple[FieldChange, ...]:
    """Returns the changes for the event. `names` are the names of the roles that only one of the two has."""
    return (
        *diff(filled_fields(before), filled_fields(after)),
        *diff({"blocked": before.blocked}, {"blocked": after.blocked}),
        *role_changes(before.role_ids, after.role_ids, names),
        *permission_changes(before.permissions, after.permissions),
    )


def _find_identity(user: User, identity_id: str) -> Identity:
    """Returns a linked identity. Raises Refused with NOT_FOUND, or INVALID_INPUT for the profile's own identity."""
    for index, each in enumerate(user.identities):
        key = f"{each.provider}|{each.connection}|{each.user_id}"
        if encode_id("Identity", key) == identity_id:
            if index == 0 or each.origin is None:
                message = "This is the profile's own identity, which cannot be unlinked."
                raise Refused(ErrorCode.INVALID_INPUT, message, ("identityId",))
            return each
    raise Refused(ErrorCode.NOT_FOUND, "The user has no such identity.", ("identityId",))


def _no_proof(message: str) -> Refused:
    return Refused(ErrorCode.INVALID_INPUT, message, ("secondary", "token"))
