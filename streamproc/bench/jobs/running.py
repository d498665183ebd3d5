"""A worker in a process of its own, as its command starts it."""

import http.client
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from streamproc.bench.peers.worker import config_file
from streamproc.bench.process import STOP_SECONDS, BenchError
from streamproc.broker.process import Child

READY_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.01


@contextmanager
def running(told: dict[str, Any], name: str) -> Iterator[float]:
    """Run ``streamproc worker`` until the block ends; give the seconds until it was ready.

    Raises
    ------
    BenchError
        If it ended, or was not ready within a minute.
    """
    log = Path(told["folder"]) / f"{name}.log"
    program = "from streamproc.cli.main import main; main()"
    command = [sys.executable, "-c", program, "worker", "--config", str(config_file(told))]
    began = time.perf_counter()
    child = Child(command, log)
    try:
        while not _ready(child.tail()):
            if not child.running or time.perf_counter() - began > READY_SECONDS:
                raise BenchError(f"the worker is not ready; its output ends:\n{child.tail()}")
            time.sleep(POLL_SECONDS)
        yield time.perf_counter() - began
    finally:
        child.terminate(STOP_SECONDS)


def port_of(said: str) -> tuple[str, int] | None:
    """Give where a worker serves, from what it says; None before it says so."""
    found = re.search(r"metrics on http://([^\s:]+):(\d+)", said)
    return None if found is None else (found[1], int(found[2]))


def _ready(said: str) -> bool:
    place = port_of(said)
    if place is None:
        return False
    connection = http.client.HTTPConnection(*place, timeout=READY_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()
