"""How this process stops: within 10 seconds of the first signal, and at once at the second.

Signals belong to the process, so this module keeps their state.
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

# Seconds after the first signal. Operators wait for 10.
REQUESTS_END = 7.0
WORKERS_END = 8.5
DATABASE_ENDS = 9.3
_LAST = 9.6
_SIGNALS = (signal.SIGTERM, signal.SIGINT)

Handler = Callable[[int, Any], Any] | signal.Handlers

_began: float | None = None


def on_signal(first: Handler) -> None:
    """Calls `first` at the first signal."""
    for each in _SIGNALS:
        signal.signal(each, first)


def begin(second: Handler = signal.SIG_DFL) -> None:
    """The first signal has come. From here on the process ends in time, whatever hangs.

    The next signal ends it at once, unless `second` does otherwise.
    """
    global _began
    on_signal(second)
    if _began is None:
        _began = time.monotonic()
        threading.Thread(target=_end_in_time, name="stopping", daemon=True).start()


def left(end: float) -> float:
    """Seconds until `end`, which is counted from the first signal."""
    return end if _began is None else max(0.0, _began + end - time.monotonic())


def finish() -> NoReturn:
    """Ends the process. Threads that wait for a database that hangs are left alone: Python would wait for them."""
    logger.info("Finished process [%s]", os.getpid())
    _end()


def _end_in_time() -> None:
    time.sleep(_LAST)
    logger.warning("stopped after %.1f s: something did not end in time", _LAST)
    _end()


def _end() -> NoReturn:
    for each in (sys.stdout, sys.stderr):
        each.flush()
    os._exit(0)
