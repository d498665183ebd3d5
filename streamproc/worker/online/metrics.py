"""Define the metrics of online models, and export them from the worker."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from streamproc.schemas.model_updates import ModelUpdate, Step
from streamproc.worker.metrics import RECOVERIES
from streamproc.worker.snapshots.metrics import SnapshotCosts
from streamproc.worker.snapshots.snapshots import SnapshotCost


class OnlineMetrics:
    """The metrics of a process of online models.

    Parameters
    ----------
    registry
        Registers the metrics.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"streamproc_learn_{name}", text, labels, registry=registry)

        self._records = counter("records_total", "Outcomes that online models have handled.")
        self._answers = counter("answers_total", "Answers of online models published.")
        self._updates = counter("updates_total", "Steps of online models published.", "step")
        self._lost = counter(
            "lost_total", "Answers, updates and alerts larger than their topic takes.", "what"
        )
        for what in ("answers", "updates", "alerts"):
            self._lost.labels(what)
        self._seconds = counter("seconds_total", "Seconds spent on answering and learning.")
        self._snapshots = counter("snapshots_total", "Snapshots of online models written.")
        self._costs = SnapshotCosts(counter)
        self._failures = counter(
            "snapshot_failures_total", "Snapshots of online models that the cluster did not take."
        )
        self._recoveries = counter(
            "recoveries_total", "Partitions taken over, by what they go on with.", "outcome"
        )
        self._gaps = counter(
            "state_gaps_total", "Partitions whose online models could not go on where they were."
        )

        self._commands = counter(
            "commands_total",
            "Choices of versions that reached their model: done, or ignored.",
            *("verb", "outcome"),
        )
        for verb, outcome in product(("promote", "rollback"), ("done", "ignored")):
            self._commands.labels(verb, outcome)
        for step in get_args(Step):
            self._updates.labels(step)
        for outcome in RECOVERIES:
            self._recoveries.labels(outcome)

    def took(
        self, records: int, answers: int, updates: Sequence[ModelUpdate], seconds: float
    ) -> None:
        """Count records, predictions and updates, and CPU seconds."""
        self._records.inc(records)
        self._answers.inc(answers)
        self._seconds.inc(seconds)
        for update in updates:
            self._updates.labels(update.step).inc()

    def command(self, verb: str, outcome: str) -> None:
        """Count a command of an operator that reached its model."""
        self._commands.labels(verb, outcome).inc()

    def lost(self, what: str, count: int) -> None:
        """Count records that exceeded their topic's record size."""
        self._lost.labels(what).inc(count)

    def snapshot(self, cost: SnapshotCost) -> None:
        """Count a snapshot and its cost."""
        self._seconds.inc(cost.seconds)
        self._snapshots.inc()
        self._costs.add(cost)

    def snapshot_failed(self) -> None:
        """Count a snapshot that was not written."""
        self._failures.inc()

    def recovered(self, outcome: str) -> None:
        """Count a recovered partition: with a snapshot, with none, or with one refused."""
        self._recoveries.labels(outcome).inc()

    def state_gap(self) -> None:
        """Count a partition that lost state or records."""
        self._gaps.inc()


class LearnLag:
    """Gauge of the lag of online models, also while their process is silent.

    Parameters
    ----------
    registry
        Exports the gauge.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._partitions: set[int] = set()
        self._gauge = Gauge(
            "streamproc_learn_lag_records",
            "Outcomes of a partition that online models have not handled yet.",
            ("partition",),
            registry=registry,
        )

    def set(self, lags: Mapping[int, int]) -> None:
        """Set the lags of these partitions, and remove others."""
        for number in self._partitions - lags.keys():
            self._gauge.remove(str(number))
        for number, records in lags.items():
            self._gauge.labels(str(number)).set(records)
        self._partitions = set(lags)


class Mirror(Collector):
    """Export the metrics of another process.

    Attributes
    ----------
    text
        Its latest metrics, in Prometheus' text format.
    """

    def __init__(self) -> None:
        self.text = ""

    def collect(self) -> Iterator[Metric]:
        """Yield the latest metrics."""
        yield from text_string_to_metric_families(self.text)
