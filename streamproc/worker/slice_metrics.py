"""Count slices in plain numbers, which cost less than metrics, and export them at each scrape."""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

__all__ = ["STAGES", "SliceMetrics"]

STAGES: Final = ("watch", "publish", "snapshot")
_BOUNDS: Final = (1, 10, 50, 100, 250, 500, 1000, 2500, 5000, 10_000)
_BUCKETS: Final = (*(f"{bound:.1f}" for bound in _BOUNDS), "+Inf")


class SliceMetrics(Collector):
    """Slices, their records and events, and the seconds of each stage.

    Examples
    --------
    >>> from prometheus_client import CollectorRegistry
    >>> registry, counts = CollectorRegistry(), SliceMetrics()
    >>> registry.register(counts)
    >>> counts.slice("predictions", records=3, events=2)
    >>> registry.get_sample_value("streamproc_events_total", {"topic": "predictions"})
    2
    """

    def __init__(self) -> None:
        self._topics: dict[str, list[int]] = {}  # records and events
        self._sizes = [0] * len(_BUCKETS)
        self._seconds = dict.fromkeys(STAGES, 0.0)

    def show(self, topic: str) -> None:
        """Export the counters of a topic from 0: Prometheus' `increase` ignores a first value."""
        self._topics.setdefault(topic, [0, 0])

    def slice(self, topic: str, records: int, events: int) -> None:
        """Count a slice, and its records and events."""
        self._sizes[bisect_left(_BOUNDS, records)] += 1
        counts = self._topics.get(topic)
        if counts is None:
            counts = self._topics[topic] = [0, 0]
        counts[0] += records
        counts[1] += events

    def stages(self, **seconds: float) -> None:
        """Add the seconds that each stage took."""
        for stage, spent in seconds.items():
            self._seconds[stage] += spent

    def describe(self) -> Iterable[Metric]:
        """Return empty families, from which the registry checks names."""
        return self._families()

    def collect(self) -> Iterable[Metric]:
        """Return the counts so far."""
        records, events, stages, sizes = self._families()
        for topic, (of_records, of_events) in list(self._topics.items()):
            records.add_metric([topic], of_records)
            events.add_metric([topic], of_events)
        for stage, spent in self._seconds.items():
            stages.add_metric([stage], spent)
        buckets = list(zip(_BUCKETS, map(float, accumulate(self._sizes)), strict=True))
        total = sum(of_records for of_records, _ in self._topics.values())
        sizes.add_metric([], buckets, total)
        return records, events, stages, sizes

    @staticmethod
    def _families() -> tuple[
        CounterMetricFamily, CounterMetricFamily, CounterMetricFamily, HistogramMetricFamily
    ]:
        return (
            CounterMetricFamily("streamproc_records", "Records handled.", labels=["topic"]),
            CounterMetricFamily("streamproc_events", "Events watched.", labels=["topic"]),
            CounterMetricFamily(
                "streamproc_stage_seconds",
                "Seconds spent in each stage of the line.",
                labels=["stage"],
            ),
            HistogramMetricFamily("streamproc_slice_records", "Records in a slice.", labels=[]),
        )
