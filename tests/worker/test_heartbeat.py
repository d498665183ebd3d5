"""A supervisor kills a worker that was stopped or hangs, and starts another one."""

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from worker.beating import beat
from worker.procfs import alive

from streamproc.config.load import load
from streamproc.worker import supervisor as supervising
from streamproc.worker.heartbeat import Silence
from streamproc.worker.supervisor import Supervisor, WorkerSlot

PATIENCE = 60.0


class Watched(Supervisor):
    """A supervisor whose only worker does nothing but show that it lives."""

    def __init__(self) -> None:
        config = load({})
        limits = config.limits.model_copy(update={"stall": timedelta(seconds=0.5)})
        super().__init__(lambda: config.model_copy(update={"limits": limits}), 1, None)

    @property
    def slot(self) -> WorkerSlot:
        """Its worker."""
        return self._places[0]

    def tend_until(self, done: Callable[[], bool]) -> None:
        """Look after the worker, as often as it does while it runs, until something is so."""
        deadline = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < deadline
            self._tend(self.slot)
            time.sleep(0.02)  # the supervisor looks at intervals, too: nothing announces a death

    def _spawn(self, place: WorkerSlot) -> Any:
        place.at_work.clear()
        place.heartbeat.clear()
        place.silence = Silence()
        process = self._context.Process(
            target=beat, args=(place.heartbeat, place.at_work), daemon=True
        )
        process.start()
        return process


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a supervisor with a limit of half a second, and end its worker."""
    monkeypatch.setattr(supervising, "SILENT_SECONDS", 0.5)
    found = Watched()
    yield found
    if found.slot.process is not None:
        found.slot.process.kill()
        found.slot.process.join()


def test_a_stopped_worker_is_killed_and_another_one_is_started(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """SIGSTOP, after which no other signal is handled, ends in a log line and in a new process."""
    slot = watched.slot
    watched.tend_until(lambda: slot.heartbeat.count > 10)
    assert slot.process is not None
    stopped = slot.process.pid
    assert stopped is not None
    os.kill(stopped, signal.SIGSTOP)
    watched.tend_until(
        lambda: (
            slot.process is not None and slot.process.pid != stopped and slot.heartbeat.count > 10
        )
    )
    assert not alive(stopped)
    assert f"(pid {stopped}): no sign of life" in caplog.text
    assert "exited with code -9: restarting" in caplog.text


def test_a_worker_that_starts_may_take_longer(watched: Watched) -> None:
    """Before it is at work a worker may be silent for minutes, after that for `limits.stall`."""
    slot = watched.slot
    assert slot.silent(0.0) is None
    now = 0.0
    while now < supervising.START_SECONDS - 5.0:
        now += 5.0
        assert slot.silent(now) is None
    slot.at_work.set()
    assert slot.silent(now) == now


def test_a_supervisor_that_was_suspended_kills_nobody() -> None:
    """After it was stopped itself, workers that were stopped with it have the whole limit again."""
    silence = Silence()
    assert silence.seconds(0.0, 5) == 0.0
    assert silence.seconds(8.0, 5) == 8.0
    assert silence.seconds(4000.0, 5) == 0.0
    assert silence.seconds(4009.0, 5) == 9.0
