"""The processes that answer requests: this process, or workers and a parent process that replaces failed workers."""

import gc
import logging
import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from socket import socket
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from app import stopping
from app.main import create
from app.preparation import REFUSALS
from app.settings import ConfigurationError, Settings, load_settings
from app.web.protocol import HttpLimits, protocol_factory

logger = logging.getLogger("profile_api")

# Imports can be slow on a busy machine.
_STARTUP_SECONDS = 120.0
# A worker without a heartbeat for this long is treated as hanging, and killed.
_SILENCE_SECONDS = 60.0
_RESTART_SECONDS = 1.0
_CHECK_SECONDS = 1.0
_PARENT_SECONDS = 0.5
_MAX_FILES = 65_536
_SPAWN = multiprocessing.get_context("spawn")


def serve(settings: Settings, listener: socket, workers: int) -> None:
    """Serves until a graceful stop. Raises one of REFUSALS when this service must not use its database."""
    _allow_connections()
    if workers == 1:
        Server(settings).run([listener])
    else:
        Supervisor([listener], workers).run()


def _allow_connections() -> None:
    """Raises the limit of open files as far as this user may, because each connection is an open file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def to_config(settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        "app.main:create",
        factory=True,
        host=settings.host,
        port=settings.port,
        # The URL of a GET request contains its variables, which may be personal data. No log may contain them.
        access_log=False,
        log_config=None,
        # uvicorn would trust X-Forwarded-For of its own list. Only PROFILE_API_TRUSTED_PROXIES may decide that.
        proxy_headers=False,
        server_header=False,
        # The service does not use WebSockets. An upgraded connection would escape the limits of `app.web.protocol`.
        ws="none",
        http=protocol_factory(_http_limits(settings)),  # type: ignore[arg-type]
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=int(stopping.REQUESTS_END),
    )


def _http_limits(settings: Settings) -> HttpLimits:
    return HttpLimits(
        head_seconds=settings.head_seconds,
        body_seconds=settings.body_seconds,
        connections=settings.max_connections,
    )


class Server(uvicorn.Server):
    """Serves until a signal, or until the application refuses its database.

    The current time is written to `heartbeat` every second. `second` handles the second and later signals.
    """

    def __init__(self, settings: Settings, heartbeat: Any = None, second: stopping.Handler = signal.SIG_DFL) -> None:
        super().__init__(to_config(settings))
        self._refusal: Exception | None = None
        self._heartbeat = heartbeat
        self._second = second
        self._on_stop: list[Callable[[], None]] = []

    def run(self, sockets: list[socket] | None = None) -> None:
        """Serves until a graceful stop. Raises the error with which the application refused its database."""
        self.config.app = partial(create, self._refuse, self.when_stopping)
        # uvicorn logs this before the process ends. `stopping.finish` logs it at the right time.
        logging.getLogger("uvicorn.error").addFilter(_is_not_finished_message)
        super().run(sockets)
        if self._refusal is not None:
            raise self._refusal

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        # The objects that exist now live as long as the process. A garbage collection of them would stop all requests.
        gc.collect()
        gc.freeze()

    def when_stopping(self, call: Callable[[], None]) -> None:
        """Registers a function that is called when the service begins to stop, before it waits for requests."""
        self._on_stop.append(call)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        for call in self._on_stop:
            call()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handles signals as `stopping` does. uvicorn's method would raise the signal again and skip the cleanup."""
        stopping.on_signal(self._stop)
        yield

    async def on_tick(self, counter: int) -> bool:
        if self._heartbeat is not None and counter % 10 == 0:
            self._heartbeat.value = time.monotonic()
        return await super().on_tick(counter)

    def _stop(self, *_: Any) -> None:
        stopping.begin(self._second)
        self.should_exit = True

    def _refuse(self, error: Exception) -> None:
        self._refusal = error
        self.should_exit = True


def _is_not_finished_message(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("Finished server process")


class Worker:
    """A worker process, as its parent process sees it. `heartbeat` is 0 until the worker answers requests."""

    def __init__(self, listeners: Sequence[socket]) -> None:
        self._refusals, sender = _SPAWN.Pipe(duplex=False)
        self.heartbeat: Any = _SPAWN.Value("d", 0.0, lock=False)
        self.started_at = time.monotonic()
        self.process: SpawnProcess = _SPAWN.Process(
            target=work, args=(list(listeners), sender, self.heartbeat, os.getpid())
        )
        self.process.start()
        sender.close()

    def refusal(self) -> str | None:
        """Returns the message of a worker that ended because it refused its database, else None."""
        try:
            return str(self._refusals.recv()) if self._refusals.poll() else None
        except EOFError:
            return None

    def is_hung(self) -> bool:
        now = time.monotonic()
        if self.heartbeat.value == 0.0:
            return now - self.started_at > _STARTUP_SECONDS
        return bool(now - self.heartbeat.value > _SILENCE_SECONDS)


def work(listeners: list[socket], refusals: Connection, heartbeat: Any, parent: int) -> None:
    """Runs in a worker process. A refusal is sent to `refusals`. `parent` is the process id of the parent process."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    try:
        # Ctrl-C in a terminal reaches the worker twice: directly, and from the parent process. Both are one stop.
        Server(load_settings(), heartbeat, second=signal.SIG_IGN).run(listeners)
    except REFUSALS as error:
        # The parent process prints the message once, although every worker refuses.
        refusals.send(str(error))
        sys.exit(1)
    stopping.finish()


def _end_with(parent: int) -> None:
    """Ends this process when its parent process has ended, even if the parent process was killed."""
    while os.getppid() == parent:
        time.sleep(_PARENT_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


class Supervisor:
    """The parent process of the workers. It starts, replaces and stops them."""

    def __init__(self, listeners: Sequence[socket], count: int) -> None:
        self._listeners = listeners
        self._count = count
        self._workers: list[Worker] = []
        self._stopping = False
        self._awake, self._wake = os.pipe()

    def run(self) -> None:
        """Runs until a graceful stop. Raises ConfigurationError when a worker refuses its database."""
        stopping.on_signal(self._on_signal)
        try:
            self._workers = [Worker(self._listeners) for _ in range(self._count)]
            while not self._stopping:
                wait([self._awake, *(each.process.sentinel for each in self._workers)], _CHECK_SECONDS)
                self._check()
        finally:
            self._stop()

    def _on_signal(self, *_: Any) -> None:
        stopping.begin(self._on_second_signal)
        self._stopping = True
        os.write(self._wake, b".")

    def _check(self) -> None:
        """Replaces workers that ended or hang."""
        for index, each in enumerate(self._workers):
            if self._stopping:
                return
            if each.process.exitcode is None and each.is_hung():
                logger.error("worker %s hangs and is killed", each.process.pid)
                each.process.kill()
                each.process.join()
            if each.process.exitcode is not None:
                self._workers[index] = self._replacement(each)

    def _replacement(self, ended: Worker) -> Worker:
        status, message = ended.process.exitcode or 0, ended.refusal()
        if message is not None:
            raise ConfigurationError(message)
        if status == STARTUP_FAILURE or (status > 0 and ended.heartbeat.value == 0.0):
            raise ConfigurationError("A worker could not start. See the log for the reason.")
        how = f"status {status}" if status >= 0 else signal.Signals(-status).name
        logger.error("worker %s ended with %s and is replaced", ended.process.pid, how)
        # Without a pause, workers that end immediately would use all CPU time.
        time.sleep(max(0.0, _RESTART_SECONDS - (time.monotonic() - ended.started_at)))
        return Worker(self._listeners)

    def _on_second_signal(self, number: int, _: Any) -> None:
        for each in self._workers:
            each.process.kill()
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)

    def _stop(self) -> None:
        # If this process kept the socket open, the kernel would accept new connections and reset them later.
        for listener in self._listeners:
            listener.close()
        for each in self._workers:
            each.process.terminate()
        deadline = time.monotonic() + stopping.left(stopping.WORKERS_END)
        for each in self._workers:
            each.process.join(max(0.0, deadline - time.monotonic()))
            if each.process.exitcode is None:
                each.process.kill()
                each.process.join()
