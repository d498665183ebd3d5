"""How a process ends although a thread of a Kafka client does not."""

import logging
import os
import sys
import threading
import warnings
from typing import Final

from mode.threads import WorkerThread

FAILED: Final = 1
LAST_WORDS_SECONDS: Final = 1.0


def clings() -> bool:
    """Whether a client is still there, which it is for ever once its cluster is gone."""
    return any(isinstance(thread, WorkerThread) for thread in threading.enumerate())


def end_without() -> None:
    """End the process although such a thread does not; errors are told before."""
    # It would only say so once more, and that nobody awaits what it has begun.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)
    warnings.simplefilter("ignore", RuntimeWarning)
    code = FAILED if sys.exc_info()[0] else 0
    timer = threading.Timer(LAST_WORDS_SECONDS, os._exit, (code,))
    timer.daemon = True
    timer.start()
