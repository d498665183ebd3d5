"""Start several worker processes, and measure their CPU time."""

import http.client
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from streamproc.broker.process import Child
from streamproc.decode.event_schema import Topic
from streamproc.tools.bench.jobs.worker_process import POLL_SECONDS, READY_SECONDS, port_of
from streamproc.tools.bench.peers.worker import config_file
from streamproc.tools.bench.process import STOP_SECONDS, BenchError

PARTITIONS: Final = 12
_MAIN: Final = "from streamproc.cli.main import main; main()"


class WorkerGroup:
    """Workers of one group.

    Parameters
    ----------
    options
        Options of the measurement: the configuration and a folder.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._children: list[Child] = []
        self._started = 0

    def start(self) -> Child:
        """Start one more worker."""
        folder = Path(self._options["folder"]) / str(self._started)
        folder.mkdir()
        self._started += 1
        path = config_file({**self._options, "folder": str(folder)})
        child = Child(
            [sys.executable, "-c", _MAIN, "worker", "--config", str(path)], folder / "log"
        )
        self._children.append(child)
        return child

    def stop(self, child: Child) -> None:
        """Ask a worker to end, and wait until it has."""
        self._children.remove(child)
        child.terminate(STOP_SECONDS)

    def stop_all(self) -> None:
        """End all of them."""
        for child in list(self._children):
            self.stop(child)

    def balance(self) -> None:
        """Wait until all partitions are shared out evenly.

        Raises
        ------
        BenchError
            If that is not so within three minutes.
        """
        wanted = PARTITIONS // len(self._children)

        def balanced() -> bool:
            owned = [self._count(child, "lag_records") for child in self._children]
            return sum(owned) == len(Topic) * PARTITIONS and min(owned) >= wanted

        self._until(balanced, "the group is not settled", READY_SECONDS)

    def handled(self, events: int, seconds: float) -> None:
        """Wait until this many events are processed.

        Raises
        ------
        BenchError
            If they are not within that time.
        """
        self._until(lambda: self._total() >= events, "events are left", seconds)

    def cpu_seconds(self) -> float:
        """Give the CPU seconds that all of them have used."""
        return sum(_cpu_seconds(child.pid) for child in self._children)

    def _total(self) -> float:
        return sum(sum(_samples(child, "events_total")) for child in self._children)

    def _count(self, child: Child, name: str) -> int:
        return len(_samples(child, name))

    def _until(self, true: Callable[[], bool], what: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            dead = [child for child in self._children if not child.running]
            if dead or time.monotonic() > deadline:
                output = (dead or self._children)[0].tail()
                raise BenchError(f"{what} after {seconds:.0f} s; a worker's output ends:\n{output}")
            time.sleep(10 * POLL_SECONDS)


@contextmanager
def worker_group(options: Mapping[str, Any], workers: int) -> Iterator[WorkerGroup]:
    """Run workers until the block ends; they have shared out the partitions when it begins."""
    ours = WorkerGroup(options)
    try:
        for _ in range(workers):
            ours.start()
        ours.balance()
        yield ours
    finally:
        ours.stop_all()


def _samples(child: Child, name: str) -> list[float]:
    """Give the samples of a metric; none while the worker does not answer."""
    place = port_of(child.tail())
    if place is None:
        return []
    connection = http.client.HTTPConnection(*place, timeout=READY_SECONDS)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    except OSError:
        return []
    finally:
        connection.close()
    return [
        float(value)
        for value in re.findall(rf"^streamproc_{name}{{.*}} (\S+)$", text, re.MULTILINE)
    ]


def _cpu_seconds(pid: int) -> float:
    path = Path(f"/proc/{pid}/stat")
    if not path.exists():
        raise BenchError("CPU of other processes is read from /proc: this needs Linux")
    fields = path.read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
