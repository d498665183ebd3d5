"""Run each measurement in a separate process."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from streamproc.broker.process import Child
from streamproc.errors import StreamprocError
from streamproc.worker.subprocesses import command, environment

# The slowest measurement takes half a minute on two free cores; a crowded machine has its time.
PATIENCE_SECONDS: Final = 600.0
STOP_SECONDS: Final = 30.0

Figures = dict[str, Any]


class BenchError(StreamprocError):
    """A measurement could not be made; the message says which, and why."""


@dataclass(frozen=True, slots=True)
class Job:
    """One measurement.

    Parameters
    ----------
    what
        For the eye, while it runs.
    module
        Below `streamproc.tools.bench`; it is run as a program.
    settings
        Its options: names and plain values.
    label
        Whose figures these are.
    """

    what: str
    module: str
    settings: Mapping[str, Any]
    label: str


def start(job: Job, folder: Path) -> Child:
    """Start a measurement's process, which ends with this one at the latest."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = json.dumps({**job.settings, "folder": str(folder)})
    program = command(f"streamproc.tools.bench.{job.module}", settings)
    return Child(program, folder / "log", environment())


def finish(job: Job, child: Child, folder: Path) -> Figures:
    """Wait for a measurement's end and return its figures.

    Raises
    ------
    BenchError
        If it failed or took longer than ten minutes.
    """
    code = child.wait(PATIENCE_SECONDS)
    if code is None:
        child.terminate(STOP_SECONDS)
    answer = folder / "answer"
    if code != 0 or not answer.exists():
        if reason := _reason(child.tail()):
            raise BenchError(f"{job.what}: {reason}")
        ended = f"ended with exit code {code}" if code is not None else "did not end"
        raise BenchError(f"{job.what}: {job.module} {ended}; its output ends:\n{child.tail()}")
    figures: Figures = json.loads(answer.read_text())
    return figures


def _reason(log: str) -> str | None:
    """Return the error message of a failed measurement, without its traceback."""
    last = log.strip().rpartition("\n")[2]
    name, _, reason = last.partition(": ")
    return reason if name == f"{BenchError.__module__}.{BenchError.__qualname__}" else None


def settings() -> Any:
    """Read the options of a measurement in its process."""
    return json.loads(sys.argv[1])


def answer(options: Mapping[str, Any], figures: Mapping[str, Any]) -> None:
    """Leave, in a measurement's process, its figures to whoever started it."""
    # two steps, so that nobody reads half of it
    draft = Path(options["folder"]) / "draft"
    draft.write_text(json.dumps(figures))
    draft.rename(draft.with_name("answer"))
