"""Measure the core without Kafka, from record bytes of many models to alerts."""

import time
from datetime import UTC, datetime
from itertools import islice

import numpy as np

from streamproc.config.config import Config
from streamproc.decode.event_schema import Topic
from streamproc.monitor import LogRecord
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.tools.bench.meter import peak_rss_mb
from streamproc.tools.bench.process import answer, settings
from streamproc.tools.bench.workload import FIRST_TS, PARTITIONS, Event, Workload, events

SLICE = 5000
AGE_CHUNK = 50
NOW = datetime.fromtimestamp(FIRST_TS, UTC)


class Core:
    """As many shards as there are partitions, and the CPU time that they took."""

    def __init__(self) -> None:
        config = Config()
        self.shards = [
            PartitionMonitor(Topic.PREDICTIONS, "predictions", partition, config)
            for partition in range(PARTITIONS)
        ]
        self._waiting: list[list[LogRecord]] = [[] for _ in self.shards]
        self._offset = [0] * PARTITIONS
        self.cpu = 0.0
        self.events = 0
        self.alerts = 0

    def take(self, event: Event) -> None:
        """Put an event to those of its partition; watch them when they fill a slice."""
        waiting = self._waiting[event.partition]
        offset = self._offset[event.partition]
        waiting.append(LogRecord(offset, event.value, int(FIRST_TS * 1000), event.key))
        self._offset[event.partition] = offset + 1
        if len(waiting) == SLICE:
            self._watch(event.partition)

    def flush(self) -> None:
        """Watch what waits."""
        for partition in range(PARTITIONS):
            self._watch(partition)

    def age(self, values: int, seed: int) -> None:
        """Feed this many N(0, 1) values to every series, without JSON."""
        draw = np.random.default_rng(seed)
        for shard in self.shards:
            for profile in shard.catalogue.profiles.values():
                for _ in range(values // AGE_CHUNK):
                    profile.watch.scan_all(draw.normal(size=(profile.used, AGE_CHUNK)))

    def _watch(self, partition: int) -> None:
        records = self._waiting[partition]
        self._waiting[partition] = []
        began = time.process_time()
        outcome = self.shards[partition].process(records, NOW)
        self.cpu += time.process_time() - began
        self.events += outcome.events
        self.alerts += len(outcome.alerts)


def main() -> None:
    """Meet every model, age all series, then measure."""
    options = settings()
    workload = Workload(*options["workload"])
    source = events(workload)
    core = Core()
    for event in islice(source, options["skip"]):
        core.take(event)
    core.flush()
    core.age(options["age"], workload.seed)
    core.cpu, core.events = 0.0, 0
    for event in source:
        core.take(event)
    core.flush()
    answer(
        options,
        {
            "events": core.events + options["skip"],
            "measured": core.events,
            "cpu_seconds_per_100k": 1e5 * core.cpu / core.events,
            "alerts": core.alerts,
            "peak_rss_mb": peak_rss_mb(),
        },
    )


if __name__ == "__main__":
    main()
