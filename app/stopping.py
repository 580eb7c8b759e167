"""Stops this process: within 10 seconds of the first signal, and at once at the second signal.

Signals belong to the process, so their state is in module variables.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

logger = logging.getLogger("profile_api")

# Seconds after the first signal. Operators are promised 10: the steps must end one after the other within this time.
REQUESTS_END = 7.0
WORKERS_END = 8.5
DATABASE_ENDS = 9.3
_LAST = 9.6
_SIGNALS = (signal.SIGTERM, signal.SIGINT)

Handler = Callable[[int, Any], Any] | signal.Handlers

_began: float | None = None


def on_signal(handler: Handler) -> None:
    """Sets the handler of SIGTERM and SIGINT."""
    for each in _SIGNALS:
        signal.signal(each, handler)


def begin(second: Handler = signal.SIG_DFL) -> None:
    """Begins to stop, at the first signal. From now on the process ends in time, even if a part of it hangs.

    The next signal ends the process at once, unless `second` handles it in another way.
    """
    # A handler of a signal gets no object, and a process stops once.
    global _began  # noqa: PLW0603
    on_signal(second)
    if _began is None:
        _began = time.monotonic()
        threading.Thread(target=_end_in_time, name="stopping", daemon=True).start()


def left(end: float) -> float:
    """Returns the seconds that are left until `end`, which is a number of seconds after the first signal."""
    return end if _began is None else max(0.0, _began + end - time.monotonic())


def finish() -> NoReturn:
    """Ends the process without waiting for threads. A normal exit would wait for threads that wait for a database."""
    logger.info("Finished process [%s]", os.getpid())
    _end()


def _end_in_time() -> None:
    time.sleep(_LAST)
    logger.warning("stopped after %.1f s, because a part of the process did not end in time", _LAST)
    _end()


def _end() -> NoReturn:
    for each in (sys.stdout, sys.stderr):
        each.flush()
    # Unlike sys.exit, this does not wait for threads. The streams were flushed, and the database is already closed.
    os._exit(0)
