"""Measure the core with slices of several sizes, without Kafka."""

import time
from itertools import islice
from typing import Final

from streamproc.config.config import Config
from streamproc.decode.event_schema import Topic
from streamproc.monitor import LogRecord
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.tools.bench.jobs.core import NOW
from streamproc.tools.bench.process import answer, settings
from streamproc.tools.bench.workload import FIRST_TS, PARTITIONS, Workload, events

SIZES: Final = (1, 3, 30, 300, 5000)
KNOWN: Final = 5000  # events before the measurement: series are past their warm-up
MAX_SLICES: Final = 2000


def main() -> None:
    """Feed one partition its events in slices of each size, and time them."""
    options = settings()
    measured = options["events"]
    workload = Workload((KNOWN + len(SIZES) * measured) * PARTITIONS, seed=options["seed"])
    values = (event for event in events(workload) if event.partition == 0)
    records = iter(
        LogRecord(offset, event.value, int(FIRST_TS * 1000), event.key)
        for offset, event in enumerate(values)
    )
    target = PartitionMonitor(Topic.PREDICTIONS, "predictions", 0, Config())
    target.process(list(islice(records, KNOWN)), NOW)
    figures: dict[str, float] = {}
    for size in SIZES:
        chosen = list(islice(records, min(measured, size * MAX_SLICES)))
        slices = [chosen[start : start + size] for start in range(0, len(chosen), size)]
        began = time.process_time()
        for part in slices:
            target.process(part, NOW)
        spent = time.process_time() - began
        figures[str(size)] = 1e6 * spent / sum(map(len, slices))
    answer(options, figures)


if __name__ == "__main__":
    main()
