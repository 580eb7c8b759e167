"""Blocking and unblocking a user. Unblocking also forgets the failed logins from all IP addresses."""

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
    """Of the whole account, and of IP addresses from which too many logins failed."""

    def __init__(self, writes: Writes, logins: LoginStore) -> None:
        self._writes = writes
        self._logins = logins

    @requires(BLOCK_USER)
    async def block(self, principal: Principal | None, rule: Rule, target: Target, revoke_devices: bool) -> User:
        """From then on tokens of the user are refused. With `revoke_devices` their devices go in the same step.

        Raises what `Writes.apply` does.
        """
        side_effects = (RevokeDevices(),) if revoke_devices else ()

        def decide(_: User) -> Changes:
            return Changes(LogEventType.USER_BLOCKED, {"blocked": True}, side_effects)

        return await self._writes.apply(principal, rule, target, decide)

    @requires(BLOCK_USER)
    async def unblock(self, principal: Principal | None, rule: Rule, target: Target) -> User:
        """Lifts the block of the account and of every IP address. Raises what `Writes.commit` does."""
        opened = await self._writes.begin(principal, rule, target)
        failures = await self._logins.count_failures(opened.user.tenant, opened.user.id)
        side_effects: tuple[SideEffect, ...] = (ForgetFailures(),) if failures else ()

        def decide(_: User) -> Changes:
            return Changes(LogEventType.USER_UNBLOCKED, {"blocked": False}, side_effects)

        return await self._writes.commit(opened, decide)
