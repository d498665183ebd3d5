"""A process that does nothing but show that it lives; few imports, so that it is soon there."""

import time
from multiprocessing.synchronize import Event

from streamproc.worker.heartbeat import Heartbeat


def beat(heartbeat: Heartbeat, at_work: Event) -> None:
    """Show it for ever."""
    at_work.set()
    while True:
        heartbeat.beat()
        time.sleep(0.01)  # the interval of its heartbeats
