"""Define the Prometheus metrics of the budget for false alarms."""

import logging
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from streamproc.pipeline.budget_watch import BudgetWatch

_LABELS: Final = ("topic", "partition")

_log = logging.getLogger(__name__)


class BudgetMetrics:
    """What each partition may raise of false alarms, and what is expected.

    Parameters
    ----------
    registry
        Registers the metrics.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._share = Gauge(
            "streamproc_false_alarm_budget",
            "False alarms a week that a partition may raise, which is its share of the budget.",
            _LABELS,
            registry=registry,
        )
        self._expected = Gauge(
            "streamproc_false_alarm_bound",
            "False alarms a week that its thresholds allow at most, by run lengths and the number"
            " of values; absent until a day of events was seen.",
            _LABELS,
            registry=registry,
        )
        self._uncounted = Gauge(
            "streamproc_false_alarm_uncounted",
            "Detectors in a partition that the bound does not count, as their run lengths are not"
            " known.",
            _LABELS,
            registry=registry,
        )
        self._reported: set[tuple[str, int]] = set()

    def state(self, topic: str, partition: int, budget: BudgetWatch | None) -> None:
        """Set the gauges of a partition, and log when its share begins not to be met."""
        if budget is None:
            return
        state, labels = budget.state, (topic, partition)
        self._share.labels(*labels).set(budget.share)
        self._uncounted.labels(*labels).set(len(state.unknown))
        if state.expected is None:
            return
        self._expected.labels(*labels).set(state.expected)
        if state.expected <= state.share:
            self._reported.discard(labels)
        elif labels not in self._reported:
            self._reported.add(labels)
            _log.warning(
                "the budget for false alarms is not met on partition %d of topic %s: %.2g a week"
                " are expected, its share is %.2g, and thresholds are where their calibration ends;"
                " raise `budget`, or watch fewer series",
                *(partition, topic, state.expected, state.share),
            )

    def forget(self, topic: str, partition: int) -> None:
        """Remove the gauges of a partition that was revoked."""
        self._reported.discard((topic, partition))
        for gauge in (self._share, self._expected, self._uncounted):
            gauge.remove(topic, str(partition))
