"""Implement ``streamproc broker``."""

import signal
import sys
import threading
from pathlib import Path

from streamproc.broker.embedded import EmbeddedBroker
from streamproc.broker.errors import BrokerError

# The default broker of `streamproc worker`.
DEFAULT_PORT = 9092
LOOK_SECONDS = 0.2
NOTICE = (
    "This broker is for one machine and keeps nothing safe: use it to try things out, "
    "and Apache Kafka for anything else."
)


def run(port: int = DEFAULT_PORT, data_dir: Path | None = None) -> None:
    """Run the embedded broker until SIGINT or SIGTERM.

    It prints its address to standard output once it answers, and a notice of its limits to standard
    error. Call it from the main thread.

    Parameters
    ----------
    port
        TCP port on loopback; 0 takes a free one.
    data_dir
        As for `EmbeddedBroker`.

    Raises
    ------
    BrokerError
        It could not be started, or exited unexpectedly.
    """
    interrupted = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: interrupted.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        with EmbeddedBroker(port, data_dir) as broker:
            sys.stderr.write(f"{NOTICE}\n")
            sys.stdout.write(f"{broker.bootstrap}\n")
            sys.stdout.flush()
            while not interrupted.wait(LOOK_SECONDS):
                if not broker.running:
                    raise BrokerError(f"the broker exited; its log ends:\n{broker.tail()}")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
