"""Export alerts and open incidents by model, with its owner and severity."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sized
from heapq import nlargest
from itertools import islice
from typing import Final, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streamproc.config.config import Config
from streamproc.schemas.alerts import AlertEvent

MAX_MODELS: Final = 100
"""Models that are exported separately, since model names are unbounded."""
OTHERS: Final = "other"
_LABELS: Final = ("model", "owner", "severity")


class Seen(NamedTuple):
    """The models of one partition, and their open incidents by model."""

    models: Iterable[str]
    open: Mapping[str, Sized]


class ModelAlerts(Collector):
    """Count incidents by model, for the first models seen; each is exported from 0.

    Parameters
    ----------
    config
        Configures owner and severity of each model.
    seen
        Returns the models and open incidents of each partition.
    """

    def __init__(self, config: Config, seen: Callable[[], Iterable[Seen]]) -> None:
        self._config = config
        self._seen = seen
        self._fired: Counter[str] = Counter()
        self._labels: dict[str, list[str]] = {OTHERS: [OTHERS, "", ""]}

    def count(self, alert: AlertEvent) -> None:
        """Count an alert that opens an incident."""
        if alert.status == "firing" and alert.kind != "system":
            self._fired[alert.model_id if self._shows(alert.model_id) else OTHERS] += 1

    def describe(self) -> Iterable[Metric]:
        """Return empty families, from which the registry checks names."""
        return self._families()

    def collect(self) -> Iterable[Metric]:
        """Return the current values."""
        fired, incidents = families = self._families()
        open_now: Counter[str] = Counter()
        for partition in self._seen():
            for model in islice(partition.models, MAX_MODELS):
                self._shows(model)
            for model, groups in partition.open.items():
                open_now[model] += len(groups)
        for model, labels in self._labels.items():
            fired.add_metric(labels, self._fired[model])
        for model, count in nlargest(MAX_MODELS, open_now.items(), key=lambda each: each[1]):
            incidents.add_metric(self._of(model), count)
        return families

    def _shows(self, model: str) -> bool:
        """Whether a model is exported separately."""
        if model not in self._labels and len(self._labels) <= MAX_MODELS:
            self._labels[model] = self._of(model)
        return model in self._labels

    def _of(self, model: str) -> list[str]:
        config = self._config.model(model)
        return [model, config.owner or "", config.severity]

    def _families(self) -> tuple[CounterMetricFamily, GaugeMetricFamily]:
        return (
            CounterMetricFamily(
                "streamproc_model_alerts",
                "Series of a model that began to fire; of the first models, the rest as other.",
                labels=_LABELS,
            ),
            GaugeMetricFamily(
                "streamproc_model_incidents_open",
                "Open incidents of a model; of the models with most of them.",
                labels=_LABELS,
            ),
        )
