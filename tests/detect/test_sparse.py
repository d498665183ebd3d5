"""A feature that few events have costs the others nothing, and is still watched."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_logs import record, run, shard, state

from streamproc.decode.decoder import Decoder
from streamproc.decode.event_schema import Topic
from streamproc.detectors.series_monitor import SeriesMonitor
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode, encode

PATIENT = {"policy": {"update_interval": "1s", "resolve_after": 500}}
NAMES, HELD = 200, 4


def sparse_event(draw: random.Random, index: int, model: str = "m") -> dict[str, Any]:
    """Draw an event that has 4 of 200 features, others each time."""
    first = index * HELD % NAMES
    features = {f"f{name}": draw.gauss(0, 1) for name in range(first, first + HELD)}
    return {"model_id": model, "features": features, "prediction": draw.random()}


def sparse_log(*, texts: bool) -> list[Any]:
    """Two models; a feature is rare, then in each event, then gone; and values shift."""
    draw = random.Random(3)
    events = [sparse_event(draw, index // 2, "mn"[index % 2]) for index in range(2400)]
    for index, event in enumerate(events):
        event["features"]["f1"] = draw.gauss(0, 1) + 8 * (index > 1800)
        if index % 120 == 0 or index > 900:
            event["features"]["rollout"] = draw.gauss(0, 1)
        if texts and index % 3:
            event["features"]["often"] = draw.choice(["DE", "FR"])
    return [record(offset, event) for offset, event in enumerate(events)]


LOG, NUMBERS = sparse_log(texts=True), sparse_log(texts=False)


def sparse_of(target: Any) -> set[str]:
    """Return the features whose missing-value series are summarised."""
    return set(target.catalogue.models["m"].sparse.names)


@settings(max_examples=10, deadline=None)
@given(cuts=st.sets(st.integers(1, len(LOG) - 1), max_size=40))
def test_sparse_features_do_not_depend_on_the_split(cuts: set[int]) -> None:
    """A log of sparse events gives the same alerts and the same state in any slices."""
    unsplit, parts = shard(PATIENT), shard(PATIENT)
    alerts = run(unsplit, LOG).alerts
    assert alerts
    assert len(sparse_of(unsplit)) > 100
    assert run(parts, LOG, cuts).alerts == alerts
    assert state(parts) == state(unsplit)


@pytest.mark.parametrize("log", [LOG, NUMBERS], ids=["texts and numbers", "numbers"])
def test_what_is_missing_is_skipped_without_a_trace(
    log: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To feed only the values that are present gives what all cells of the matrix give."""
    lean, full = shard(PATIENT), shard(PATIENT)
    alerts = run(lean, log, range(100, 2400, 100)).alerts
    monkeypatch.setattr("streamproc.decode.present_values.SMALL", 2**40)
    assert run(full, log, range(100, 2400, 100)).alerts == alerts
    assert state(full) == state(lean)


def test_a_snapshot_within_a_block_goes_on_as_if_there_was_none() -> None:
    """A worker that takes over amid 32 events counts those of before it, too."""
    uncut, first = shard(PATIENT), shard(PATIENT)
    alerts = run(uncut, LOG, [1237]).alerts
    before = run(first, LOG[:1237]).alerts
    data = encode(first, "predictions", 0, 1237)
    second = restore(
        decode(data), Topic.PREDICTIONS, "predictions", 0, first.catalogue.config
    ).shard
    assert before + run(second, LOG[1237:]).alerts == alerts
    assert state(second) == state(uncut)


def test_an_event_costs_what_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Detectors read few values for each feature that an event has, not one for each it lacks."""
    draw = random.Random(1)
    log = [record(index, sparse_event(draw, index)) for index in range(1600)]
    target = shard(PATIENT)
    run(target, log[:600])
    fed = 0
    scan = SeriesMonitor.scan

    def counted(self: Any, values: Any, tasks: Any, *places: Any) -> Any:
        nonlocal fed
        fed += int((tasks[:, 2] - tasks[:, 1]).sum())
        return scan(self, values, tasks, *places)

    monkeypatch.setattr(SeriesMonitor, "scan", counted)
    run(target, log[600:], range(100, 1000, 100))
    # its features and its prediction, and a share of each of the names in 32 events
    assert fed <= 1000 * (HELD + 1 + NAMES / 32) * 1.1


def test_a_sparse_feature_that_became_common_and_is_lost_alerts() -> None:
    """A feature that a release brings to all events is missed when another one loses it."""
    draw = random.Random(2)
    log = []
    for index in range(24_000):
        event = sparse_event(draw, index)
        if index % 100 == 0 or 600 < index < 20_000:
            event["features"]["rollout"] = 1.0
        log.append(record(index, event))
    target = shard(PATIENT)
    alerts = run(target, log, range(1000, 24_000, 1000)).alerts
    assert "rollout" in sparse_of(target)
    [fired] = [alert for alert in alerts if alert.series == "quality:rollout"]
    assert fired.status == "firing"
    assert 20_000 < fired.source.offset <= 20_000 + 320


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Collect the records that are not read in a scan."""
    found: list[bytes] = []
    read = Decoder._read_one

    def counted(self: Any, records: Any, position: int, *others: Any) -> None:
        found.append(records[position].value)
        read(self, records, position, *others)

    monkeypatch.setattr(Decoder, "_read_one", counted)
    return found


def test_names_beyond_the_limit_cost_no_second_decoder(alone: list[bytes]) -> None:
    """A new name in each event of a model that has as many as it may is skipped in place."""
    draw = random.Random(1)
    events = [sparse_event(draw, 0) for _ in range(600)]
    for index, event in enumerate(events):
        event["features"][f"new {index}"] = (1.5, None, True, "text")[index % 4]
    log = [record(index, event) for index, event in enumerate(events)]
    target = shard({"limits": {"max_features": 6}})
    alerts = run(target, log[:40], range(10, 40, 10)).alerts
    alone.clear()
    outcome = run(target, log[40:])
    assert [alert.detector for alert in alerts] == ["limits"]
    assert len(alone) <= 40
    assert outcome.events == 560


@pytest.mark.parametrize(
    ("more", "reason"),
    [({"x": 1.0, "y": 2.0}, "too_many_features"), ({"x": 1.0, "twice": 2.0}, "duplicate_key")],
)
def test_what_is_ignored_is_checked_all_the_same(more: dict[str, float], reason: str) -> None:
    """Ignored names of an event count for its limit, and none of them may come twice."""
    draw = random.Random(1)
    events = [sparse_event(draw, 0) for _ in range(300)]
    for event in events[1:]:
        del event["features"]["f3"]
        event["features"]["x"] = 1.0
    events[250]["features"] |= more
    log = [record(index, event) for index, event in enumerate(events)]
    log[250] = record(250, log[250].value.replace(b"twice", b"x"), key=b"m")
    outcome = run(shard({"limits": {"max_features": 4}}), log)
    assert [(each.offset, each.reason) for each in outcome.dead_letters] == [(250, reason)]
