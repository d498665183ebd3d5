"""What a learning process counts, and how its worker shows it."""

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
    """Everything that a learning process counts.

    Parameters
    ----------
    registry
        Where the metrics are registered.
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
        """Count what was learned from, what came of it, and the CPU that it took."""
        self._records.inc(records)
        self._answers.inc(answers)
        self._seconds.inc(seconds)
        for update in updates:
            self._updates.labels(update.step).inc()

    def command(self, verb: str, outcome: str) -> None:
        """Count a choice of an operator that reached its model."""
        self._commands.labels(verb, outcome).inc()

    def lost(self, what: str, count: int) -> None:
        """Count what was larger than its topic takes."""
        self._lost.labels(what).inc(count)

    def snapshot(self, cost: SnapshotCost) -> None:
        """Count a snapshot, and what it took."""
        self._seconds.inc(cost.seconds)
        self._snapshots.inc()
        self._costs.add(cost)

    def snapshot_failed(self) -> None:
        """Count a snapshot that was not written."""
        self._failures.inc()

    def recovered(self, outcome: str) -> None:
        """Count a partition taken over: with a snapshot, with none, or with one refused."""
        self._recoveries.labels(outcome).inc()

    def state_gap(self) -> None:
        """Count a partition that lost state or records."""
        self._gaps.inc()


class LearnLag:
    """The lag of a learning process, as its worker knows it: also while that is silent.

    Parameters
    ----------
    registry
        Where it is shown.
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
        """Show these partitions, and no others."""
        for number in self._partitions - lags.keys():
            self._gauge.remove(str(number))
        for number, records in lags.items():
            self._gauge.labels(str(number)).set(records)
        self._partitions = set(lags)


class Mirror(Collector):
    """Shows among a worker's metrics what another process has counted.

    Attributes
    ----------
    text
        What it said last, in Prometheus' format.
    """

    def __init__(self) -> None:
        self.text = ""

    def collect(self) -> Iterator[Metric]:
        """Give what it said last."""
        yield from text_string_to_metric_families(self.text)
