"""How a process ends although a thread of it does not."""

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
# A thread without work ends within microseconds.
IDLE_SECONDS: Final = 0.5


def clings() -> bool:
    """Whether a thread may never end, such as a client's without its cluster."""
    threads = threading.enumerate()
    return any(isinstance(thread, WorkerThread) or _waits(thread) for thread in threads)


def _waits(thread: threading.Thread) -> bool:
    """Whether a thread of the stores is not about to end."""
    if not thread.name.startswith(STORE_THREADS):
        return False
    thread.join(IDLE_SECONDS)
    return thread.is_alive()


def end_without() -> None:
    """End the process although such a thread does not; errors are told before."""
    # It would only say so once more, and that nobody awaits what it has begun.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)
    warnings.simplefilter("ignore", RuntimeWarning)
    code = FAILED if sys.exc_info()[0] else 0
    timer = threading.Timer(LAST_WORDS_SECONDS, os._exit, (code,))
    timer.daemon = True
    timer.start()
