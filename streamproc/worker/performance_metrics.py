"""Export model performance as gauges, computed at each scrape."""

from collections.abc import Callable, Iterable, Mapping
from heapq import nlargest
from typing import Final, NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streamproc.performance.tracks import Performance
from streamproc.performance.unlabelled import RecentPredictions
from streamproc.schemas.version_key import model_of, version_of

MAX_VERSIONS: Final = 100
"""Versions that are exported, with about twenty values each: few enough for a monitoring system,
and computed within a tenth of a second."""
_LABELS: Final = ("model", "version", "partition")


class Watched(NamedTuple):
    """Performance of one partition's models; `unlabelled` is None if another worker has it."""

    performance: Performance
    unlabelled: RecentPredictions | None


class _Version(NamedTuple):
    labels: list[str]
    key: str
    watched: Watched


class PerformanceMetrics(Collector):
    """Gauges of the versions with the latest labels.

    Parameters
    ----------
    watched
        Returns the performance of models by partition.
    """

    def __init__(self, watched: Callable[[], Mapping[int, Watched]]) -> None:
        self._watched = watched
        self._known: dict[tuple[int, str], tuple[int, list[dict[str, float]]]] = {}

    def describe(self) -> Iterable[Metric]:
        """Return empty families, from which the registry checks names."""
        return self._gauges()

    def collect(self) -> Iterable[Metric]:
        """Compute the values that have changed, and return all."""
        watched = self._watched()
        versions = self._latest(watched)
        gauges = figures, estimates, labels, hidden = self._gauges()
        for version in versions:
            track = version.watched.performance.tracks[version.key]
            labels.add_metric(version.labels, track.seen)
            for over, found in zip(("window", "fading"), self._figures(version), strict=True):
                for name, value in found.items():
                    figures.add_metric([*version.labels, over, name], value)
            unlabelled = version.watched.unlabelled
            expected = unlabelled.expected(version.key) if unlabelled is not None else None
            if expected is not None:
                of_numbers = track.task == "regression"
                name, value = ("mae", expected) if of_numbers else ("accuracy", 1.0 - expected)
                estimates.add_metric([*version.labels, name], value)
        total = sum(len(one.performance.tracks) for one in watched.values())
        hidden.add_metric([], total - len(versions))
        self._known = {
            at: known
            for at, known in self._known.items()
            if at[0] in watched and at[1] in watched[at[0]].performance.tracks
        }
        return gauges

    def _gauges(
        self,
    ) -> tuple[GaugeMetricFamily, GaugeMetricFamily, GaugeMetricFamily, GaugeMetricFamily]:
        return (
            GaugeMetricFamily(
                "streamproc_model_figure",
                "How good a version of a model was on its last labels.",
                labels=(*_LABELS, "over", "metric"),
            ),
            GaugeMetricFamily(
                "streamproc_model_estimate",
                "How good the last predictions of a version probably are, whose labels are not"
                " known yet.",
                labels=(*_LABELS, "metric"),
            ),
            GaugeMetricFamily(
                "streamproc_model_labels", "Labels of a version so far.", labels=_LABELS
            ),
            GaugeMetricFamily(
                "streamproc_model_versions_hidden",
                "Versions whose figures are not shown, since others had labels later.",
                labels=(),
            ),
        )

    def _latest(self, watched: Mapping[int, Watched]) -> list[_Version]:
        """Choose the latest versions, evenly from all partitions."""
        ranked = [
            (-rank, number, key)
            for number, one in watched.items()
            for rank, key in enumerate(one.performance.latest(MAX_VERSIONS))
        ]
        return [
            _Version([model_of(key), version_of(key) or "", str(number)], key, watched[number])
            for _, number, key in nlargest(MAX_VERSIONS, ranked)
        ]

    def _figures(self, version: _Version) -> list[dict[str, float]]:
        performance = version.watched.performance
        seen = performance.tracks[version.key].seen
        at = int(version.labels[2]), version.key
        known = self._known.get(at)
        if known is None or known[0] != seen:
            found = [performance.figures(version.key), performance.fading(version.key)]
            known = self._known[at] = seen, found
        return known[1]
