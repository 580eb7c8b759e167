"""Finds the caller's own profile, and confirms before a write that the caller is not blocked."""

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
    """Finds the profile that a token speaks for."""

    def __init__(self, reads: Reads, snapshots: Snapshots, users: UserStore) -> None:
        self._reads = reads
        self._users = users
        self._snapshots = snapshots

    async def identify_writer(self, principal: Principal) -> Principal:
        """The principal with its profile, which is loaded whole: a write of it needs no other read. UserBlocked."""
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
        """The principal with its profile, and that profile's row with what `selection` asks of it, in one command.

        UserBlocked for a blocked profile. An application has none; neither has a user whom no login brought yet.
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
        """The filters that may find the caller's profile, in order. The first one that finds a profile counts."""
        where = await self.where(principal)
        if where is None:
            return ()
        if principal.connection is not None:
            return (where,)
        # A linked account's token is its primary's.
        return (where, Eq("keys", user_id_key(principal.subject)))

    async def authorize(self, principal: Principal | None, rule: Rule) -> Principal:
        """Every write that `Writes` does not authorize begins here. Raises what `require_scopes` and `confirm`
        do.
        """
        return await self.confirm(require_scopes(principal, rule))

    async def confirm(self, principal: Principal) -> Principal:
        """The caller as the database has them now, for use right before a write. UserBlocked.

        A request may run while its user is blocked, deleted, linked or unlinked. A profile that is gone leaves a caller
        without a profile, as the next request would find them. An application's token names no profile.
        """
        principal.take_loaded()
        if principal.kind is not ActorKind.USER:
            return principal
        found, _ = await self.identify(replace(principal, profile=None, linked=(), user_id=None, name=None), {})
        return found

    async def is_own(self, principal: Principal, user: User) -> bool:
        """Whether this profile, which may not be stored yet, is the caller's own."""
        where = await self.where(principal)
        if where is None or principal.is_self(user.id):
            return where is not None
        return where.matches({"user_id": user.user_id, "keys": keys_of(user)})

    async def where(self, principal: Principal) -> Filter | None:
        """Whose profile a token names; None where it names none."""
        if principal.kind is not ActorKind.USER:
            return None
        if principal.connection is None:
            return Eq("user_id", principal.subject)
        connection = await self._snapshots.connection(principal.tenant, principal.connection)
        if connection is None:
            return None
        return Eq("keys", subject_key(connection.strategy, connection.name, principal.subject))
