"""`streamproc worker` that ends itself with SIGKILL at the n-th time that it comes by a step.

Run as a program with the path of a config file and a JSON object: `step`, `times`, and `hasty` for
a build that acknowledges before it publishes.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1]
sys.path[:0] = [str(HERE), str(HERE / "core"), str(HERE.parent)]

from transport.hasty import HastyWorker
from transport.snapshots_running import Countdown, Crash, MortalOutbox, MortalStore

import streamproc.transport.worker as build
from streamproc.cli.main import main
from streamproc.transport.pipeline import Pipeline


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


if __name__ == "__main__":
    config, plan = sys.argv[1], json.loads(sys.argv[2])
    killer = Killer(plan["step"], plan["times"])
    for kind in (MortalOutbox, MortalStore, MortalPipeline):
        kind.kill = killer
    build.Outbox, build.SnapshotStore, build.Pipeline = MortalOutbox, MortalStore, MortalPipeline
    if plan.get("hasty"):
        build.Worker = HastyWorker
    sys.argv = ["streamproc", "worker", "--config", config, *sys.argv[3:]]
    main()
