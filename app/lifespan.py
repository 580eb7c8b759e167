"""The lifespan of a serving process: prepares the database, runs background work, and closes everything at the end."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette

from app.auth.tokens import Tokens
from app.domain.errors import Unavailable
from app.preparation import REFUSALS, check_development_database, complete, prepare
from app.settings import ConfigurationError, Settings
from app.store.database import Database
from app.web.metrics import MULTIPROCESS_VARIABLE, Metrics
from app.web.protocol import COUNT_REFUSAL

logger = logging.getLogger("profile_api")

_START_SECONDS = 2.0
_RETRY_SECONDS = 1.0
_FAILED_RETRY_SECONDS = 60.0
_ISSUER_CHECK_SECONDS = 5.0
_CLOSE_SECONDS = 1.0
_METRICS_SECONDS = 5.0

Refuse = Callable[[Exception], None]


def end_process(error: Exception) -> None:
    """For servers other than `profile-api serve`: they stop on SIGTERM."""
    logger.critical("%s", error)
    signal.raise_signal(signal.SIGTERM)


@dataclass(slots=True)
class ServiceLifespan:
    """Prepares the database when the service starts, and retries while it can't be reached.

    Jobs run once the database is prepared. `refuse` ends the process; it gets the reason.
    """

    settings: Settings
    database: Database
    development: bool
    demo: bool
    tokens: Tokens
    metrics: Metrics
    jobs: Sequence[Callable[[], Coroutine[Any, Any, None]]]
    refuse: Refuse
    is_refused: bool = False
    is_complete: bool = False
    step: str = "the database is not prepared yet"
    tried: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        self._run(self._work)
        # A database that answers is prepared before the first connection is accepted. No other is waited for.
        with suppress(TimeoutError):
            await asyncio.wait_for(self.tried.wait(), _START_SECONDS)
        if MULTIPROCESS_VARIABLE in os.environ:
            self._run(self._refresh_metrics)
        yield {COUNT_REFUSAL: self.metrics.count_refusal}
        for each in self.tasks:
            each.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.tokens.close()
        await self._close_database()

    async def _close_database(self) -> None:
        """Closing tells the database goodbye. One that does not listen is left without it."""
        loop, closed = asyncio.get_running_loop(), asyncio.Event()

        def close() -> None:
            self.database.close()
            with suppress(RuntimeError):  # The loop has ended: nobody waits any more.
                loop.call_soon_threadsafe(closed.set)

        threading.Thread(target=close, daemon=True).start()
        with suppress(TimeoutError):
            await asyncio.wait_for(closed.wait(), _CLOSE_SECONDS)

    def is_prepared(self) -> bool:
        return self.database.is_prepared

    async def problem(self) -> str | None:
        """Why the service can't serve now; None when it can."""
        try:
            await self.database.ping()
        except Unavailable:
            return "the database does not answer"
        if not self.is_prepared():
            return self.step
        return None if self.is_complete else "indexes are being created"

    def _run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.tasks.append(asyncio.create_task(work()))

    async def _work(self) -> None:
        while True:
            await self._try_to_prepare()
            self.tried.set()
            if self.is_refused:
                return
            if self.is_prepared():
                break
            await asyncio.sleep(_RETRY_SECONDS)
        for each in (*self.jobs, self._complete):
            self._run(each)
        if self.development:
            self._run(self._watch_issuer)

    async def _try_to_prepare(self) -> None:
        try:
            await prepare(self.settings, self.database, self.development, self.demo, self._tell)
        except Unavailable:
            return
        except REFUSALS as error:
            self._refuse(error)
        except Exception:
            logger.exception("the database can't be prepared")
            self._refuse(ConfigurationError(f"The database can't be prepared ({self.step}); the log says why."))

    def _tell(self, step: str) -> None:
        self.step = step

    def _refuse(self, error: Exception) -> None:
        self.database.is_prepared = False
        self.is_refused = True
        self.refuse(error)

    async def _complete(self) -> None:
        while not self.is_complete:
            wait = _RETRY_SECONDS
            try:
                await complete(self.settings, self.database)
                self.is_complete = True
                return
            except Unavailable:
                pass
            except Exception:
                logger.exception("an index can't be created")
                wait = _FAILED_RETRY_SECONDS
            await asyncio.sleep(wait)

    async def _watch_issuer(self) -> None:
        """Another process may begin to serve this database with a configured issuer."""
        while not self.is_refused:
            await asyncio.sleep(_ISSUER_CHECK_SECONDS)
            with suppress(Unavailable):
                try:
                    await check_development_database(self.database)
                except ConfigurationError as error:
                    self._refuse(error)

    async def _refresh_metrics(self) -> None:
        """Another worker may be asked for them."""
        while True:
            self.metrics.refresh()
            await asyncio.sleep(_METRICS_SECONDS)
