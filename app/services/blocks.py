"""blockUser and unblockUser: block an account, and remove the block of an account and of its IP addresses."""

from app.domain.commits import Changes, SideEffect
from app.domain.devices import RevokeDevices
from app.domain.logins import ForgetFailures
from app.domain.logs import LogEventType
from app.domain.principals import Principal
from app.domain.rules import BLOCK_USER, Rule
from app.domain.users import User
from app.services.use_cases import requires
from app.services.writes import Target, Writes
from app.store.logins import LoginStore


class Blocks:
    """Use cases of blocks: of the complete account, and of IP addresses from which too many logins failed."""

    def __init__(self, writes: Writes, logins: LoginStore) -> None:
        self._writes = writes
        self._logins = logins

    @requires(BLOCK_USER)
    async def block(self, principal: Principal | None, rule: Rule, target: Target, revoke_devices: bool) -> User:
        """Blocks the user, whose tokens are refused from then on. With `revoke_devices`, it also revokes the devices.

        Raises what `Writes.apply` raises.
        """
        side_effects = (RevokeDevices(),) if revoke_devices else ()

        def decide(_: User) -> Changes:
            return Changes(LogEventType.USER_BLOCKED, {"blocked": True}, side_effects)

        return await self._writes.apply(principal, rule, target, decide)

    @requires(BLOCK_USER)
    async def unblock(self, principal: Principal | None, rule: Rule, target: Target) -> User:
        """Removes the block of the account and the blocks of all IP addresses for it.

        Raises what `Writes.begin` and `Writes.commit` raise.
        """
        opened = await self._writes.begin(principal, rule, target)
        failures = await self._logins.count_failures(opened.user.tenant, opened.user.id)
        # Without failed logins there is no side effect, so that unblocking a user without a block writes nothing.
        side_effects: tuple[SideEffect, ...] = (ForgetFailures(),) if failures else ()

        def decide(_: User) -> Changes:
            return Changes(LogEventType.USER_UNBLOCKED, {"blocked": False}, side_effects)

        return await self._writes.commit(opened, decide)
