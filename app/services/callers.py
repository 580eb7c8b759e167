"""Callers: finds the caller's own profile, and checks right before a write that the caller is not blocked."""

from collections.abc import Sequence
from dataclasses import replace

from app.domain.errors import UserBlocked
from app.domain.filters import Eq, Filter
from app.domain.identifiers import keys_of, subject_key, user_id_key
from app.domain.principals import ActorKind, LoadedProfile, Principal
from app.domain.rows import Row
from app.domain.rules import Rule
from app.domain.selections import Selection
from app.domain.users import User
from app.policy.rules import require_scopes
from app.services.reads import Reads
from app.store.snapshots import Snapshots
from app.store.users import UserStore


class Callers:
    """Finds the profile of the user to whom a token belongs."""

    def __init__(self, reads: Reads, snapshots: Snapshots, users: UserStore) -> None:
        self._reads = reads
        self._users = users
        self._snapshots = snapshots

    async def identify_writer(self, principal: Principal) -> Principal:
        """Returns the principal with its profile, which is loaded completely. Raises UserBlocked."""
        # A write of the caller's own profile can use the loaded profile, and so saves one read.
        user = None
        for where in await self._lookups(principal):
            user = await self._users.find(principal.tenant, where)
            if user is not None:
                break
        if user is None:
            return principal
        if user.blocked:
            raise UserBlocked
        return replace(
            principal,
            profile=user.id,
            linked=tuple(user.profile_ids()[1:]),
            user_id=user.user_id,
            name=user.name,
            loaded=LoadedProfile(user),
        )

    async def identify(self, principal: Principal, selection: Selection) -> tuple[Principal, Row | None]:
        """Returns the principal with its profile, and the row of the profile with the selected attributes.

        It sends one database command in most cases. The row is None for an application, and for a user who has no
        profile yet. Raises UserBlocked.
        """
        row = None
        for where in await self._lookups(principal):
            row = await self._reads.viewer(principal, where, selection)
            if row is not None:
                break
        if row is None:
            return principal, None
        record = row.record
        if record.get("blocked"):
            raise UserBlocked
        linked = tuple(record.get("linked", ()))
        user_id, name = record["user_id"], record.get("name")
        return replace(principal, profile=record["_id"], linked=linked, user_id=user_id, name=name), row

    async def _lookups(self, principal: Principal) -> Sequence[Filter]:
        """Returns the filters to find the caller's profile. They are tried in order until one finds a profile."""
        where = await self.where(principal)
        if where is None:
            return ()
        if principal.connection is not None:
            return (where,)
        # The second filter finds the primary profile for a token of a linked account: the `user_id` of the account is
        # a key of the primary.
        return (where, Eq("keys", user_id_key(principal.subject)))

    async def authorize(self, principal: Principal | None, rule: Rule) -> Principal:
        """Checks a rule and the caller for a write that does not use `Writes`. Returns the current caller.

        Raises what `require_scopes` and `confirm` raise.
        """
        return await self.confirm(require_scopes(principal, rule))

    async def confirm(self, principal: Principal) -> Principal:
        """Returns the caller in the current state of the database, for use right before a write. Raises UserBlocked.

        A caller whose profile was deleted has no profile in the result. The result for an application is unchanged.
        """
        # A user can be blocked, deleted, linked or unlinked while their request runs.
        principal.take_loaded()
        if principal.kind is not ActorKind.USER:
            return principal
        found, _ = await self.identify(replace(principal, profile=None, linked=(), user_id=None, name=None), {})
        return found

    async def is_own(self, principal: Principal, user: User) -> bool:
        """Returns whether this profile is the caller's own. The profile need not be stored yet."""
        where = await self.where(principal)
        if where is None or principal.is_self(user.id):
            return where is not None
        return where.matches({"user_id": user.user_id, "keys": keys_of(user)})

    async def where(self, principal: Principal) -> Filter | None:
        """Returns the filter for the profile that a token names; None when it cannot name a profile."""
        if principal.kind is not ActorKind.USER:
            return None
        if principal.connection is None:
            return Eq("user_id", principal.subject)
        connection = await self._snapshots.connection(principal.tenant, principal.connection)
        if connection is None:
            return None
        return Eq("keys", subject_key(connection.strategy, connection.name, principal.subject))
