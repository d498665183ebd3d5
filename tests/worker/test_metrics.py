"""What workers show before anything happened, and of which models."""

from collections.abc import Iterable

import pytest
from alert_factory import alert
from prometheus_client import CollectorRegistry
from record_logs import NOW, noise, record, shard

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.control.command import Reason
from streamproc.sinks.metrics import WebhookMetrics
from streamproc.worker.join.metrics import JoinMetrics
from streamproc.worker.metrics import Metrics
from streamproc.worker.model_alerts import MAX_MODELS, ModelAlerts, Seen
from streamproc.worker.online.metrics import OnlineMetrics


def samples(registry: CollectorRegistry) -> Iterable[tuple[str, dict[str, str], float]]:
    """Give every sample."""
    for metric in registry.collect():
        for sample in metric.samples:
            yield sample.name, sample.labels, sample.value


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        *(("control_refused_total", {"reason": reason.value}) for reason in Reason),
        ("alerts_total", {"kind": "system", "status": "firing"}),
        ("alerts_total", {"kind": "data", "status": "resolved"}),
        ("recoveries_total", {"outcome": "refused"}),
        ("operational_alerts_total", {"detector": "placement"}),
        ("outcomes_total", {"status": "unmatched"}),
        ("labels_store_rebuilt_total", {"cause": "failed"}),
        ("learn_updates_total", {"step": "failed"}),
        ("control_commands_total", {"verb": "save", "outcome": "failed"}),
    ],
)
def test_what_may_be_counted_is_shown_from_zero(name: str, labels: dict[str, str]) -> None:
    """Prometheus' `increase` of a counter that is born at 1 is 0: the first one would be missed."""
    worker, learner = CollectorRegistry(), CollectorRegistry()
    metrics = Metrics(worker)
    metrics.verbs([("save", "done")])
    JoinMetrics(metrics)
    OnlineMetrics(learner)
    assert (f"streamproc_{name}", labels, 0.0) in [*samples(worker), *samples(learner)]


def test_no_counter_with_labels_starts_without_a_value() -> None:
    """Whoever adds one decides from which values it starts; those by topic or webhook wait."""
    registry = CollectorRegistry()
    JoinMetrics(Metrics(registry))
    WebhookMetrics(registry)
    empty = {m.name for m in registry.collect() if m.type == "counter" and not m.samples}
    by_topic = {"records", "events", "events_repeated", "event_fields", "dead_letters"}
    by_verb_or_webhook = {"control_commands", "webhook_delivered", "webhook_failures"}
    expected = by_topic | by_verb_or_webhook | {"webhook_dropped"}
    assert empty == {f"streamproc_{name}" for name in expected}


def of(collector: ModelAlerts) -> dict[tuple[str, str, str, str], float]:
    """Return the samples by name and labels."""
    return {
        (s.name, *(s.labels[name] for name in ("model", "owner", "severity"))): s.value
        for metric in collector.collect()
        for s in metric.samples
    }


def test_models_have_owner_and_severity_and_start_at_zero() -> None:
    """A model is there from 0 as soon as it is seen, and its open incidents are counted."""
    config = load({"models": [{"id": "fraud", "owner": "risk", "severity": "critical"}]})
    collector = ModelAlerts(config, lambda: [Seen(["fraud"], {"fraud": [1, 2]})])
    key = "fraud", "risk", "critical"
    assert of(collector)["streamproc_model_alerts_total", *key] == 0
    assert of(collector)["streamproc_model_incidents_open", *key] == 2
    collector.count(alert(model_id="fraud"))
    assert of(collector)["streamproc_model_alerts_total", *key] == 1


def test_models_without_end_cost_a_bounded_number_of_series() -> None:
    """The first models are shown, the rest as one; of open incidents the most."""
    names = [f"m{number}" for number in range(10 * MAX_MODELS)]
    collector = ModelAlerts(Config(), lambda: [Seen(names, {name: [1] for name in names})])
    assert len(of(collector)) <= 2 * MAX_MODELS + 1
    collector.count(alert(model_id="another"))
    assert of(collector)["streamproc_model_alerts_total", "other", "", ""] == 1


def test_a_partition_shows_its_budget_and_what_is_expected(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The share is there at once, the bound after a day of events; what exceeds it is logged."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    config = {"budget": "0.0001 a week", "topics": {"partitions": 1}}
    target = shard(config)
    events = noise(1500, seed=1)
    for at, event in enumerate(events):
        event["ts"] = 1.7e9 + 300 * at
    log = [record(offset, event) for offset, event in enumerate(events)]

    def shown() -> dict[str, float]:
        metrics.state("predictions", 0, target, 0)
        prefix = "streamproc_false_alarm_"
        return {
            name.removeprefix(prefix): value
            for name, _, value in samples(registry)
            if name.startswith(prefix)
        }

    target.process(log[:10], NOW)
    assert shown() == {"budget": 0.00005, "uncounted": 0.0}
    target.process(log[10:], NOW)
    found = shown()
    assert target.budget is not None
    assert found["bound"] == target.budget.state.expected > 0.00005
    assert caplog.text.count("is not met on partition 0 of topic predictions") == 1

    metrics.forget("predictions", 0)
    left = {name for name, _, _ in samples(registry)}
    assert not any(name.startswith("streamproc_false_alarm_") for name in left)
