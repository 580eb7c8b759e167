"""The lifespan of a worker: prepares the database, runs background work, and closes everything at the end."""

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

# How long the start waits for the database. After that, the worker answers 503 and goes on trying.
_START_SECONDS = 2.0
_RETRY_SECONDS = 1.0
# An index that cannot be created, for example because of a duplicate, needs the operator: a fast retry only adds load.
_FAILED_RETRY_SECONDS = 60.0
_ISSUER_CHECK_SECONDS = 5.0
_CLOSE_SECONDS = 1.0
_METRICS_SECONDS = 5.0

Refuse = Callable[[Exception], None]


def end_process(error: Exception) -> None:
    """Stops this process with SIGTERM. It is for servers other than `profile-api serve`."""
    logger.critical("%s", error)
    signal.raise_signal(signal.SIGTERM)


@dataclass(slots=True)
class ServiceLifespan:
    """Prepares the database when the service starts, and retries while the database does not answer.

    The jobs run as soon as the database is prepared. `refuse` is called with the reason if this service must not use
    the database; it must end the process.
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
        # A short wait, so that usually the first request finds a prepared database. A database that does not answer
        # must not delay /healthz.
        with suppress(TimeoutError):
            await asyncio.wait_for(self.tried.wait(), _START_SECONDS)
        if MULTIPROCESS_VARIABLE in os.environ:
            self._run(self._refresh_metrics)
        yield {COUNT_REFUSAL: self.metrics.count_refusal}
        # The tasks end before the database is closed, because they still release what they have claimed.
        for each in self.tasks:
            each.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.tokens.close()
        await self._close_database()

    async def _close_database(self) -> None:
        """Closes the connections in a thread, because closing waits for the database. A database that hangs is left."""
        loop, closed = asyncio.get_running_loop(), asyncio.Event()

        def close() -> None:
            self.database.close()
            with suppress(RuntimeError):  # The loop has already ended.
                loop.call_soon_threadsafe(closed.set)

        threading.Thread(target=close, daemon=True).start()
        with suppress(TimeoutError):
            await asyncio.wait_for(closed.wait(), _CLOSE_SECONDS)

    def is_prepared(self) -> bool:
        return self.database.is_prepared

    async def problem(self) -> str | None:
        """Returns why the service cannot answer requests now, for /readyz. Returns None when it can."""
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
            await prepare(self.settings, self.database, self.development, self.demo, self._set_step)
        except Unavailable:
            return
        except REFUSALS as error:
            self._refuse(error)
        except Exception:
            logger.exception("the database cannot be prepared")
            self._refuse(ConfigurationError(f"The database cannot be prepared ({self.step}). See the log."))

    def _set_step(self, step: str) -> None:
        self.step = step

    def _refuse(self, error: Exception) -> None:
        # From now on every request gets 503, also while the process ends.
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
                logger.exception("an index cannot be created")
                wait = _FAILED_RETRY_SECONDS
            await asyncio.sleep(wait)

    async def _watch_issuer(self) -> None:
        """Refuses the database as soon as another process uses it with a configured issuer.

        Otherwise the tokens of the development issuer would open a database in production.
        """
        while not self.is_refused:
            await asyncio.sleep(_ISSUER_CHECK_SECONDS)
            with suppress(Unavailable):
                try:
                    await check_development_database(self.database)
                except ConfigurationError as error:
                    self._refuse(error)

    async def _refresh_metrics(self) -> None:
        """Writes the metrics of this worker regularly, because another worker may answer /metrics."""
        while True:
            self.metrics.refresh()
            await asyncio.sleep(_METRICS_SECONDS)
