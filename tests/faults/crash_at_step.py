"""`streamproc worker` that ends itself with SIGKILL at the n-th time that it comes by a step.

Run as a program with the path of a config file and a JSON object: `step`, `times`, and `hasty` for
a build that "acknowledges first" or "saves first", before it publishes.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # run as a program: let the tests' modules be found
    HERE = Path(__file__).parents[1]
    sys.path[:0] = [str(HERE), str(HERE.parent)]

from faults.ack_first_worker import HastyPipeline, HastyWorker
from worker.snapshots.snapshots_running import Countdown, Crash, MortalOutbox, MortalStore

import streamproc.worker.wiring as build
from streamproc.cli.main import main
from streamproc.worker.pipeline import Pipeline


class Killer(Countdown):
    """Ends the process where a countdown ends a worker."""

    def passes(self, point: str) -> None:
        """Come by a step."""
        try:
            super().passes(point)
        except Crash:
            os.kill(os.getpid(), signal.SIGKILL)


class MortalPipeline(Pipeline):
    """Ends when all of a slice is done but its acknowledgement."""

    kill: Countdown

    async def handle(self, *arguments: Any, **more: Any) -> None:
        """Take a slice, or end."""
        await super().handle(*arguments, **more)
        self.kill.passes("before_ack")


class CommittingWorker(HastyWorker):
    """Acknowledges a slice, so that the broker knows, and then publishes what came of it."""

    async def _take(self, part: Any, acknowledge: Any) -> None:
        async def commit() -> None:
            await acknowledge()
            await self._app.consumer.commit()

        await super()._take(part, commit)


class SavingPipeline(HastyPipeline):
    """Saves its state after each slice, and then publishes what came of it."""

    async def handle(self, part: Any, *rest: Any) -> None:
        """Take a slice; it is time for a snapshot."""
        keeper = self._held[part.topic, part.partition].keeper
        assert keeper is not None
        keeper.due = 0.0
        await super().handle(part, *rest)


if __name__ == "__main__":
    config, plan = sys.argv[1], json.loads(sys.argv[2])
    killer = Killer(plan["step"], plan["times"])
    for kind in (MortalOutbox, MortalStore, MortalPipeline):
        kind.kill = killer
    build.AlertPublisher, build.SnapshotStore, build.Pipeline = (
        MortalOutbox,
        MortalStore,
        MortalPipeline,
    )
    if plan["hasty"] == "acknowledges first":
        build.Worker = CommittingWorker
    elif plan["hasty"] == "saves first":
        build.Pipeline = SavingPipeline
    sys.argv = ["streamproc", "worker", "--config", config, *sys.argv[3:]]
    main()
