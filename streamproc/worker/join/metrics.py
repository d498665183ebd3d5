"""Define the metrics of joins."""

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final, get_args

import numpy as np
from prometheus_client import Counter, Gauge
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from streamproc.join.batch_join import JoinResult
from streamproc.join.entry import InputLog
from streamproc.schemas.outcomes import OutcomeStatus
from streamproc.schemas.units import format_duration
from streamproc.worker.metrics import Metrics

LAG_SECONDS = (0.01, 0.05, 0.1, 0.2, 0.5, 1, 5, 30, 300, 3600)

# Each model takes five time series in Prometheus; model names are unbounded.
MAX_MODELS: Final = 200
MAX_PARTS: Final = 1000

REBUILD_CAUSES: Final = ("new", "topic_made_anew", "outcomes_gone", "failed", "unusable")
"""Why a store is rebuilt from the topics; `new`: there was none."""


class Lags(Collector):
    """A histogram for bulk updates, of tens of thousands of values a second."""

    def __init__(self) -> None:
        self._counts = np.zeros(len(LAG_SECONDS) + 1, np.int64)
        self._sum = 0.0

    def observe(self, seconds: Sequence[float]) -> None:
        """Count values."""
        values = np.maximum(seconds, 0.0)
        places = np.searchsorted(LAG_SECONDS, values)
        self._counts += np.bincount(places, minlength=len(self._counts))
        self._sum += float(values.sum())

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield the histogram in Prometheus' form."""
        bounds = [*(str(float(bound)) for bound in LAG_SECONDS), "+Inf"]
        up_to = [float(count) for count in self._counts.cumsum()]
        yield HistogramMetricFamily(
            "streamproc_label_to_outcome_seconds",
            "From the timestamp of the record that led to an outcome to its being confirmed.",
            buckets=list(zip(bounds, up_to, strict=True)),
            sum_value=self._sum,
        )


class JoinMetrics:
    """The metrics of the joins of a worker.

    Parameters
    ----------
    metrics
        The worker's metrics, which export these.

    Attributes
    ----------
    alerted
        Counts a published alert about operation, by its detector.
    """

    def __init__(self, metrics: Metrics) -> None:
        registry = metrics.registry
        self.state_gap = metrics.state_gap

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"streamproc_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"streamproc_{name}", text, labels, registry=registry)

        self._outcomes = counter(
            "outcomes_total", "Outcomes published: late and unmatched labels too.", "status"
        )
        self._lost = counter(
            "outcomes_lost_total", "Outcomes that their topic did not take for their size."
        )
        self._repeated = counter(
            "labels_repeated_total", "Events and labels that had come before, and were dropped."
        )
        self._given_up = counter(
            "labels_given_up_total", "Entries given up because of labels.max_pending."
        )
        self._bad = counter("labels_dead_letters_total", "Labels that could not be read.")
        self._implausible = counter(
            "labels_implausible_times_total",
            "Times of events and labels that are before 1970, or hours ahead of their record or of"
            " the worker's clock.",
            "topic",
        )
        for log in InputLog:
            self._implausible.labels(log.name.lower())
        self._rebuilt = counter(
            "labels_store_rebuilt_total", "Stores rebuilt from the topics, by cause.", "cause"
        )
        self._lags = Lags()
        registry.register(self._lags)
        self._pending = gauge(
            "labels_pending", "Events and labels that wait, or may be revised.", "partition"
        )
        self._behind = gauge(
            "labels_lag_records", "Records of a partition that are not joined yet.", "partition"
        )
        self._failing = Gauge(
            "streamproc_labels_joins_failing",
            "Partitions whose labels are not joined for now, such as for a full disk.",
            registry=registry,
        )
        self.alerted = metrics.operational
        for status in get_args(OutcomeStatus):
            self._outcomes.labels(status)
        for cause in REBUILD_CAUSES:
            self._rebuilt.labels(cause)
        self._coverage = gauge(
            "label_coverage_ratio",
            "Events with a label within an age, of those that are older; of the first models.",
            "model",
            "within",
        )
        self._parts = gauge(
            "label_coverage_part_ratio",
            "The same by cohort: by what was predicted (score, class), and by tag.",
            "model",
            "by",
            "value",
            "within",
        )
        self._covered: set[str] = set()
        self._exported_parts: set[tuple[str, tuple[str, str]]] = set()

    def first(self, models: Collection[str]) -> list[str]:
        """Return those of the models that are exported: the first ones seen."""
        for model_id in models:
            if len(self._covered) >= MAX_MODELS:
                break
            self._covered.add(model_id)
        return [model_id for model_id in models if model_id in self._covered]

    def covers(
        self,
        model_id: str,
        share: Mapping[float, float],
        parts: Mapping[tuple[str, str], Mapping[float, float]],
    ) -> None:
        """Set the share of a model's events with a label, by age.

        Parameters
        ----------
        model_id
            One of the exported models.
        share
            Age in seconds → share in [0, 1] of all its events.
        parts
            The same by cohort: what it is by, and its value.
        """
        for age, value in share.items():
            within = format_duration(timedelta(seconds=age))
            self._coverage.labels(model_id, within).set(value)
        for part, of_part in parts.items():
            if len(self._exported_parts) < MAX_PARTS or (model_id, part) in self._exported_parts:
                self._exported_parts.add((model_id, part))
                for age, value in of_part.items():
                    within = format_duration(timedelta(seconds=age))
                    self._parts.labels(model_id, *part, within).set(value)

    def joined(
        self, joined: JoinResult, published: Mapping[str, int], ages: Sequence[float]
    ) -> None:
        """Count a batch: published outcomes by status, and the age of their records in seconds."""
        for status, count in published.items():
            self._outcomes.labels(status).inc(count)
        if ages:
            self._lags.observe(ages)
        self._repeated.inc(joined.counts["repeated"])
        self._given_up.inc(joined.counts["given_up"])
        self._bad.inc(len(joined.dead_letters))

    def lost(self, count: int) -> None:
        """Count outcomes that exceeded their topic's record size."""
        self._lost.inc(count)

    def implausible(self, log: InputLog, count: int) -> None:
        """Count implausible times of the events or labels of a topic."""
        self._implausible.labels(log.name.lower()).inc(count)

    def rebuilt(self, cause: str) -> None:
        """Count a store that was rebuilt, by cause."""
        self._rebuilt.labels(cause).inc()

    def state(self, partition: int, pending: int, behind: int) -> None:
        """Set the entries that wait in a partition, and its lag in records."""
        self._pending.labels(str(partition)).set(pending)
        self._behind.labels(str(partition)).set(behind)

    def behind(self, partition: int, records: int) -> None:
        """Set the lag of a partition's join, as measured at the cluster."""
        self._behind.labels(str(partition)).set(records)

    def failing(self, partitions: int) -> None:
        """Set how many partitions are not joined because of a known failure."""
        self._failing.set(partitions)

    def forget(self, partition: int) -> None:
        """Remove the gauges of a partition that was revoked."""
        for gauge in (self._pending, self._behind):
            with contextlib.suppress(KeyError):  # a join that never came so far has none
                gauge.remove(str(partition))
