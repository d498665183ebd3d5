"""End a process although one of its threads hangs."""

import logging
import os
import sys
import threading
import warnings
from typing import Final

from mode.threads import WorkerThread

from streamproc.worker.join.join_manager import STORE_THREADS

FAILED: Final = 1
LAST_WORDS_SECONDS: Final = 1.0
# A thread without work exits within microseconds.
IDLE_SECONDS: Final = 0.5


def clings() -> bool:
    """Whether a thread may never end, such as that of a client without its cluster."""
    threads = threading.enumerate()
    return any(isinstance(thread, WorkerThread) or _waits(thread) for thread in threads)


def _waits(thread: threading.Thread) -> bool:
    """Whether a thread of the stores is still running after a short wait."""
    if not thread.name.startswith(STORE_THREADS):
        return False
    thread.join(IDLE_SECONDS)
    return thread.is_alive()


def end_without() -> None:
    """End the process although such a thread hangs; errors are reported before."""
    # The client would only repeat its errors, and warn of tasks that are never awaited.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)
    warnings.simplefilter("ignore", RuntimeWarning)
    code = FAILED if sys.exc_info()[0] else 0
    timer = threading.Timer(LAST_WORDS_SECONDS, os._exit, (code,))
    timer.daemon = True
    timer.start()
