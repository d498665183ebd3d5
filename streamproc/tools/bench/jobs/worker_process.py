"""Run a worker as a subprocess, started by its command."""

import http.client
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from streamproc.broker.process import Child
from streamproc.tools.bench.peers.worker import config_file
from streamproc.tools.bench.process import STOP_SECONDS, BenchError

READY_SECONDS: Final = 180.0
POLL_SECONDS: Final = 0.01


Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Running:
    """A worker that is ready.

    Parameters
    ----------
    seconds
        From its start until then.
    place
        Host and port of its HTTP server.
    pid
        Its process.
    """

    seconds: float
    place: Place
    pid: int

    def counted(self, name: str) -> float:
        """Return the sum of a metric over all of its labels."""
        found = re.findall(
            rf"^streamproc_{name}(?:{{.*}})? (\S+)$",
            _ask(self.place, "/metrics") or "",
            re.MULTILINE,
        )
        return sum(map(float, found))

    def cpu_seconds(self) -> float:
        """Return the CPU time of its process and of those that it has started, all threads."""
        return cpu_seconds(self.pid)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of those that it has started, all threads."""
    return sum(map(_cpu_seconds, [pid, *_children(pid)]))


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(each) for task in tasks for each in (task / "children").read_text().split()]


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(options: dict[str, Any], name: str) -> Iterator[Running]:
    """Run ``streamproc worker`` until the block ends; give it when it is ready.

    Raises
    ------
    BenchError
        If it ended, or was not ready within three minutes.
    """
    log = Path(options["folder"]) / f"{name}.log"
    program = "from streamproc.cli.main import main; main()"
    command = [sys.executable, "-c", program, "worker", "--config", str(config_file(options))]
    began = time.perf_counter()
    child = Child(command, log)
    try:
        while not (place := _ready(child.tail())):
            if not child.running or time.perf_counter() - began > READY_SECONDS:
                raise BenchError(f"the worker is not ready; its output ends:\n{child.tail()}")
            time.sleep(POLL_SECONDS)
        yield Running(time.perf_counter() - began, place, child.pid)
    finally:
        child.terminate(STOP_SECONDS)


def port_of(line: str) -> Place | None:
    """Give where a worker serves, from what it says; None before it says so."""
    found = re.search(r"metrics on http://([^\s:]+):(\d+)", line)
    return None if found is None else (found[1], int(found[2]))


def _ready(line: str) -> Place | None:
    place = port_of(line)
    return None if place is None or _ask(place, "/readyz") is None else place


def _ask(place: Place, path: str) -> str | None:
    """Return what it says; None while it says nothing good."""
    connection = http.client.HTTPConnection(*place, timeout=READY_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.read().decode() if answer.status == http.HTTPStatus.OK else None
    except OSError:
        return None
    finally:
        connection.close()
