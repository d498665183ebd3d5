import math

import pytest

from streamproc.broker import EmbeddedBroker
from streamproc.tools.bench.jobs.slices import SIZES
from streamproc.tools.bench.report import Outcome
from streamproc.tools.bench.runner import measure
from streamproc.tools.bench.suites import PARTS, live, live_learning


def measured(name: str, broker: str | None, events: int) -> Outcome:
    """Measure one round of a part."""
    return measure(
        PARTS[name], broker=broker, events=events, rounds=1, seed=1, step=lambda *_: None
    )


def test_every_size_of_a_slice_is_measured() -> None:
    """An event's cost is given for slices from one record to a backlog's."""
    figures = measured("slices", None, 1000).figures
    assert set(figures["core"][0]) == {str(size) for size in SIZES}
    assert all(cost > 0 for cost in figures["core"][0].values())


@pytest.mark.slow
def test_live_traffic_is_measured_for_every_system(
    embedded_broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Worker and peers have their CPU under load and idle; the worker has its latency, too."""
    monkeypatch.setattr(live, "RATES", (300,))
    outcome = measured("live", embedded_broker.bootstrap, 30_000)
    assert all(math.isfinite(row.figure) and row.figure >= 0 for row in outcome.rows)
    for system in live.SYSTEMS:
        [figures] = outcome.figures[system]
        assert figures["300_cpu"] > 0
        assert figures["idle_cpu"] >= 0
    for system in (live.WORKER, live.QUICK):
        [ours] = outcome.figures[system]
        assert ours["300_counted"] > 0
        assert 0 < ours["300_p50"] <= ours["300_p99"]


@pytest.mark.slow
def test_live_labels_are_measured_for_the_worker_and_the_loop(
    embedded_broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both answer every event, and have their CPU and latency."""
    monkeypatch.setattr(live_learning, "RATES", (300,))
    outcome = measured("live-learning", embedded_broker.bootstrap, 60_000)
    assert [row.goal for row in outcome.rows if "÷" in row.what] == [live_learning.GOAL]
    for system in live_learning.SYSTEMS:
        [figures] = outcome.figures[system]
        assert figures["300_answered"] == 1
        assert figures["300_cpu"] > 0
        assert 0 < figures["300_p50"] <= figures["300_p99"]
