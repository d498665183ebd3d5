"""Peer: the ``streamproc worker`` command with a meter on its slice count."""

import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from streamproc.schemas.records import SliceResult
from streamproc.tools.bench.meter import Meter
from streamproc.tools.bench.process import answer, settings
from streamproc.worker.metrics import Metrics


def main() -> None:
    """Process the events, report their cost, and stop."""
    options = settings()
    meter = Meter(options["events"], options["skip"])

    class Metered(Metrics):
        """The worker's metrics; a slice is counted once its alerts are confirmed."""

        published = 0

        def slice(self, topic: str, records: int, outcome: SliceResult) -> None:
            super().slice(topic, records, outcome)
            self.published += len(outcome.alerts)
            if meter.count(outcome.events):
                answer(options, {**meter.figures(), "alerts": self.published})
                os.kill(os.getpid(), signal.SIGTERM)

    sys.argv = ["streamproc", "worker", "--config", str(config_file(options))]
    # the command is a program to us, above this package: it is found as `python -m` would
    serving = import_module("streamproc.worker.process")
    cli = import_module("streamproc.cli.main")
    with patch.object(serving, "Metrics", Metered):
        cli.main()


def config_file(options: dict[str, Any]) -> Path:
    """Write the configuration of a measurement to a file."""
    path = Path(options["folder"]) / "streamproc.yaml"
    path.write_text(yaml.safe_dump(options["config"]))
    return path


if __name__ == "__main__":
    main()
