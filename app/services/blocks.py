"""Keeping a user out, and letting them in again."""

from app.domain.devices import RevokeDevices
from app.domain.logs import LogEventType
from app.domain.principals import Principal
from app.domain.rules import BLOCK_USER
from app.domain.users import Changes, User
from app.services.changes import ProfileChanges, Target, to_event
from app.store.logins import Logins


class Blocks:
    """Of the whole account, and of addresses that failed to log in to it too often."""

    def __init__(self, changes: ProfileChanges, logins: Logins) -> None:
        self._changes = changes
        self._logins = logins

    async def block(self, principal: Principal | None, target: Target, revoke_devices: bool) -> User:
        """From then on tokens of the user are refused. With `revoke_devices` their devices go in the same step.

        Raises what `ProfileChanges.apply` does.
        """

        beside = (RevokeDevices(),) if revoke_devices else ()

        def decide(_: User) -> Changes:
            return Changes(LogEventType.USER_BLOCKED, {"blocked": True}, beside)

        return await self._changes.apply(principal, BLOCK_USER, target, decide)

    async def unblock(self, principal: Principal | None, target: Target) -> User:
        """Lifts the block of the account, and of every address that was kept out of it."""

        def decide(_: User) -> Changes:
            return Changes(LogEventType.USER_UNBLOCKED, {"blocked": False})

        caller, before = await self._changes.find(principal, BLOCK_USER, target)
        user = await self._changes.apply(principal, BLOCK_USER, target, decide)
        forgotten = await self._logins.forget_failures(user.tenant, user.id)
        if forgotten and not before.blocked:
            lifted = Changes(LogEventType.USER_UNBLOCKED, {})
            await self._logins.add_event(to_event(caller, user, lifted, target.reason, ()))
        return user
