"""Removes deleted roles from the users that still refer to them."""

import asyncio
from contextlib import suppress

from app.domain.errors import Unavailable
from app.store.roles import RoleStore

_RETRY_SECONDS = 60.0


class ClearRoles:
    """Runs at the start of the service, after `wake`, and every minute."""

    def __init__(self, roles: RoleStore) -> None:
        self._roles = roles
        self._wanted = asyncio.Event()

    def wake(self) -> None:
        self._wanted.set()

    async def run(self) -> None:
        """Removes deleted roles until it is cancelled."""
        while True:
            # Cleared before the work: a role that is deleted during the work needs another round.
            self._wanted.clear()
            with suppress(Unavailable):
                await self._roles.clear()
            # The regular round finds the roles of a process that ended before it removed them.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), _RETRY_SECONDS)
