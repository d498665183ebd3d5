import json
import math
from importlib import import_module
from pathlib import Path

import pytest
from apache.kafka import ApacheKafka
from typer.testing import CliRunner

from streamproc.broker import EmbeddedBroker
from streamproc.cli.main import app
from streamproc.tools.bench.jobs.worker_group import PARTITIONS
from streamproc.tools.bench.report import Outcome
from streamproc.tools.bench.runner import measure
from streamproc.tools.bench.suites import PARTS, latency, scale, state
from streamproc.tools.bench.suites.peers import FAUST, FAUST_SHARE, MODULES

bench = import_module("streamproc.cli.bench")  # the package's main names its function so

EVENTS = 2000


def _measure(name: str, broker: EmbeddedBroker | ApacheKafka, events: int = EVENTS) -> Outcome:
    """Measure one round of a part with next to no events."""
    steps: list[str] = []
    outcome = measure(
        PARTS[name],
        broker=broker.bootstrap,
        events=events,
        rounds=1,
        seed=1,
        step=lambda what, done, total: steps.append(f"{what} {done}/{total}"),
    )
    assert steps
    assert all(math.isfinite(row.figure) and row.figure >= 0 for row in outcome.rows)
    return outcome


def test_every_system_handles_every_event(embedded_broker: EmbeddedBroker) -> None:
    """Each peer handles exactly the events that it was given, and its cost is told."""
    figures = _measure("peers", embedded_broker).figures
    for system in MODULES:
        expected = EVENTS // FAUST_SHARE if system == FAUST else EVENTS
        assert [told["events"] for told in figures[system]] == [expected]
        assert figures[system][0]["peak_rss_mb"] > 20


def test_all_foreign_records_are_mapped(embedded_broker: EmbeddedBroker) -> None:
    """No record of the bench is a dead letter or skipped, in any shape."""
    [figures] = _measure("intake", embedded_broker).figures["intake"]
    assert [figures[f"{shape}/lost"] for shape in ("paths", "kserve", "debezium")] == [0, 0, 0]


@pytest.mark.slow
def test_core_and_worker_handle_every_event(embedded_broker: EmbeddedBroker) -> None:
    """With few models and with many, core and worker handle exactly the same events."""
    figures = _measure("models", embedded_broker).figures
    for label in ("core/few", "core/many", "worker/few", "worker/many"):
        assert figures[label][0]["events"] == EVENTS


@pytest.mark.slow
def test_latency_comes_from_alerts(
    embedded_broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events and alerts arrive after they were made, and the load is told."""
    monkeypatch.setattr(latency, "RATES", (10_000,))
    monkeypatch.setattr(latency, "SETTLE_SECONDS", 1.0)
    monkeypatch.setattr(latency, "EVENTS_A_SECOND_OF_LOAD", 1000)
    figures = _measure("latency", embedded_broker).figures
    for label in ("alerts/10000", "floor/10000"):
        [told] = figures[label]
        assert told["made"] == 30_000
        assert told["counted"] > 0
        assert 0 < told["p50_ms"] <= told["p99_ms"] <= told["max_ms"]


def test_bench_writes_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The JSON holds each table, the machine without its name, and the seed."""
    monkeypatch.setattr(bench, "ROUNDS", 1)
    file = tmp_path / "figures.json"
    ran = CliRunner().invoke(app, ["bench", "bank", "--events", "1000", "--json", str(file)])
    assert ran.exit_code == 0, ran.output
    report = json.loads(file.read_text())
    assert report["seed"] == 1
    assert "node" not in report["machine"]
    [bank] = report["parts"].values()
    assert all(row["what"] in ran.output or len(row["what"]) > 60 for row in bank["rows"])
    assert all(len(row["values"]) == report["rounds"] for row in bank["rows"])


@pytest.mark.parametrize("argument", ["speed", "--events=1"])
def test_wrong_usage_measures_nothing(argument: str) -> None:
    """An unknown part, or too few events, is wrong usage."""
    assert CliRunner().invoke(app, ["bench", argument]).exit_code == 2


@pytest.mark.slow
def test_starts_are_timed(embedded_broker: EmbeddedBroker) -> None:
    """A worker's first start and its later ones are told apart."""
    figures = _measure("startup", embedded_broker).figures
    assert len(figures["first"]) == len(figures["warm"]) == 1


@pytest.mark.slow
def test_state_is_written_and_taken_over(apache_kafka: ApacheKafka) -> None:
    """A worker takes over every series of a state; without snapshots it writes none by itself."""
    figures = _measure("state", apache_kafka).figures
    [off], [on] = figures["never"], figures["often"]
    assert off["series"] == on["series"] == EVENTS // state.EVENTS_EACH * (state.FEATURES + 1)
    assert off["snapshots"] <= PARTITIONS  # those of no state, before the first slice
    # All of it is written, for all has changed; the manifests come on top.
    assert 0 < off["state_bytes"] < off["save_bytes"] < 1.01 * off["state_bytes"]
    assert 0 < off["reading_seconds"] < off["recovered_seconds"]


@pytest.mark.parametrize("name", ["scale", "state"])
def test_what_needs_a_cluster_is_not_run_without(name: str) -> None:
    """Without a broker what needs several workers, or kills one, gives no figure, and says why."""
    part = PARTS[name]
    outcome = measure(part, broker=None, events=1000, rounds=1, seed=1, step=pytest.fail)
    assert (outcome.rows, len(outcome.not_run)) == ((), 1)


@pytest.mark.slow
def test_several_workers_tell_what_one_tells(
    apache_kafka: ApacheKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each number of workers tells the same alerts, and a worker that comes and goes is timed."""
    monkeypatch.setattr(scale, "WORKERS", (1, 2))
    monkeypatch.setattr(scale, "TIMES", 1)
    outcome = _measure("scale", apache_kafka, 30_000)
    same = [row.figure for row in outcome.rows if row.what.endswith("one worker's alerts")]
    assert same == [100.0]
    assert outcome.figures["workers/1"][0]["alerts"] > 0
    [told] = outcome.figures["rebalance"]
    assert {what: len(pauses) for what, pauses in told["pauses"].items()} == {
        "join": PARTITIONS,
        "leave": PARTITIONS,
    }
    assert all(pause > 0 for pauses in told["pauses"].values() for pause in pauses)
