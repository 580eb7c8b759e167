"""Removes deleted roles from the users that still name them."""

import asyncio
from contextlib import suppress

from app.domain.errors import Unavailable
from app.store.roles import RoleStore

_RETRY_SECONDS = 60.0


class ClearRoles:
    """Works when it is told to, when the service starts, and now and then for what another process left."""

    def __init__(self, roles: RoleStore) -> None:
        self._roles = roles
        self._wanted = asyncio.Event()

    def wake(self) -> None:
        self._wanted.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            self._wanted.clear()
            with suppress(Unavailable):
                await self._roles.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), _RETRY_SECONDS)
