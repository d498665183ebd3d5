"""A peer as a process: series in, alarms out, and no harm to the report if it fails."""

import json
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from streamproc.detectors.runtime.dtypes import Floats

SIDE = Path(__file__).with_name("peer_worker.py")
LIMIT = 600.0
"""Seconds for an answer: 17 times what the slowest request takes on an idle machine."""
GRACE = 5.0
"""Seconds for the rest of what it wrote, after its end."""
MAX_CHARACTERS = 2000
"""Last characters of what a peer writes to stderr, for the reason of a failure."""


class PeerError(Exception):
    """A peer did not answer: its message says why. Leave out what was asked for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer found.

    Attributes
    ----------
    alarms
        Rows at which each series alarms.
    values
        Read, over all series.
    seconds
        Of processor time.
    """

    alarms: list[list[int]]
    values: int
    seconds: float


def run(command: Sequence[str]) -> None:
    """Run a command, what it writes beside the report.

    Raises
    ------
    PeerError
        If it fails.
    """
    code = subprocess.run(command, check=False, stdout=sys.stderr).returncode  # noqa: S603 - a command that we made
    if code:
        msg = f"{' '.join(command)} ended with code {code}"
        raise PeerError(msg)


class Peer:
    """A peer's process, started when first asked, and again after a failure.

    Parameters
    ----------
    name
        As `peer_worker.py` knows it.
    command
        Starts the process.
    limit
        Seconds within which it answers, or is ended.
    """

    def __init__(self, name: str, command: Sequence[str], limit: float = LIMIT) -> None:
        self.name = name
        self._command = list(command)
        self._limit = limit
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._listener: threading.Thread | None = None
        self._stderr = ""
        self._refused = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def ask(
        self,
        detector: str,
        params: Mapping[str, object],
        values: Floats,
        *,
        first: bool = False,
        most: int | None = None,
    ) -> Answer:
        """Run one of its detectors over series.

        Parameters
        ----------
        detector, params
            Its class and arguments.
        values
            (series, time).
        first
            Whether a series ends at its first alarm.
        most
            Alarms, over all series, after which nothing more is read; None: no limit.

        Raises
        ------
        PeerError
            If it raises, ends, or does not answer in time.
        """
        self.start()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "series.npy"
            np.save(path, values)
            request = {"detector": detector, "params": dict(params), "series": str(path)}
            found = self._exchange(request | {"first": first, "most": most or values.size + 1})
        return Answer(found["alarms"], int(found["values"]), float(found["seconds"]))

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
                if pipe:
                    pipe.close()
        self._process = None

    def start(self) -> None:
        """Start the process, unless it runs.

        Raises
        ------
        PeerError
            If it cannot be started, now or before.
        """
        if self._refused:
            raise PeerError(self._refused)
        if self._process is not None:
            return
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self._stderr = ""
        try:
            self._process = subprocess.Popen(self._command, text=True, **pipes)  # type: ignore[call-overload] # noqa: S603 - a command that we made
        except OSError as error:
            self._refused = f"it cannot be started: {error}"
            raise PeerError(self._refused) from None
        self._lines = queue.Queue()
        threads = [
            threading.Thread(target=target, args=(self._process, self._lines), daemon=True)
            for target in (self._read, self._listen)
        ]
        for thread in threads:
            thread.start()
        self._listener = threads[-1]
        try:
            self._answer()
        except PeerError as error:
            self._refused = f"it cannot be started: {error}"  # not tried for each detector
            raise PeerError(self._refused) from None

    def _exchange(self, request: Mapping[str, object]) -> dict[str, Any]:
        assert self._process is not None  # noqa: S101 - it was started
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it has ended: the answer says so
        found = self._answer()
        if "error" in found:
            raise PeerError(found["error"])
        return found

    def _answer(self) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=self._limit)
        except queue.Empty:
            self.close()
            msg = f"no answer within {self._limit:g} s"
            raise PeerError(msg) from None
        if line is None:
            code = self._process.wait() if self._process else None
            if self._listener is not None:
                self._listener.join(GRACE)  # its last line is the reason
            self.close()
            lines = self._stderr.strip().splitlines()
            msg = f"it ended with code {code}" + (f": {lines[-1]}" if lines else "")
            raise PeerError(msg)
        try:
            found: dict[str, Any] = json.loads(line)
        except ValueError:
            self.close()
            msg = f"its answer is not JSON: {line[:80]!r}"
            raise PeerError(msg) from None
        return found

    def _read(self, process: "subprocess.Popen[str]", lines: "queue.Queue[str | None]") -> None:
        assert process.stdout is not None  # noqa: S101 - a pipe
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    def _listen(self, process: "subprocess.Popen[str]", _: "queue.Queue[str | None]") -> None:
        assert process.stderr is not None  # noqa: S101 - a pipe
        for line in process.stderr:
            self._stderr = (self._stderr + line)[-MAX_CHARACTERS:]
