from outcome_logs import labelled, outcome, records, truth_shard
from prometheus_client import CollectorRegistry
from record_logs import run

from streamproc.performance.tracks import Performance
from streamproc.worker.performance_metrics import MAX_VERSIONS, PerformanceMetrics, Watched


def performance_of(events: list[dict[str, object]]) -> Performance:
    """Return what is known after a log of outcomes."""
    target = truth_shard()
    run(target, records(events))
    assert target.truth
    return target.truth.performance


def shown(performance: Performance) -> dict[tuple[str, ...], float]:
    """Return what a reader of the metrics sees, by name and labels."""
    registry = CollectorRegistry()
    registry.register(PerformanceMetrics(lambda: {3: Watched(performance, None)}))
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in registry.collect()
        for sample in metric.samples
    }


def test_a_version_has_its_figures() -> None:
    """Each figure is shown by model, version and partition, over the window and fading."""
    performance = performance_of(labelled(700, seed=1))
    found = shown(performance)

    name = "streamproc_model_figure"
    for metric, value in performance.figures('["fraud","7"]').items():
        assert found[name, "fraud", "7", "3", "window", metric] == value
    for metric, value in performance.fading('["fraud","7"]').items():
        assert found[name, "fraud", "7", "3", "fading", metric] == value
    assert found["streamproc_model_labels", "fraud", "7", "3"] == 700
    assert found["streamproc_model_versions_hidden",] == 0


def test_models_without_number_are_not_all_shown() -> None:
    """However many models there are, a bounded number is shown: those with the newest labels."""
    events = [outcome(i, 0.9, 1, model_id=f"m{i}", model_version=None) for i in range(300)]
    found = shown(performance_of(events))

    versions = {labels[1] for labels in found if labels[0] == "streamproc_model_labels"}
    assert versions == {f"m{i}" for i in range(300 - MAX_VERSIONS, 300)}
    assert found["streamproc_model_versions_hidden",] == 300 - MAX_VERSIONS
