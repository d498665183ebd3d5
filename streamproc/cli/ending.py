"""How a process ends although a thread of a Kafka client does not."""

import logging
import os
import sys
import threading
from typing import Final

from mode.threads import WorkerThread

FAILED: Final = 1
LAST_WORDS_SECONDS: Final = 1.0


def clings() -> bool:
    """Whether a client is still there, which it is for ever once its cluster is gone."""
    return any(isinstance(thread, WorkerThread) for thread in threading.enumerate())


def end_without() -> None:
    """End the process although such a thread does not; errors are told before."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)  # it only says so once more
    code = FAILED if sys.exc_info()[0] else 0
    timer = threading.Timer(LAST_WORDS_SECONDS, os._exit, (code,))
    timer.daemon = True
    timer.start()
