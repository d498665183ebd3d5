"""Thresholds that follow from a budget for false alarms."""

import json
import random
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outcome_logs import labelled, records
from pipeline.test_splits import BRISK, LOG
from record_logs import NOW, noise, record, run, shard, state

from streamproc.decode.event_schema import Topic
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import SnapshotError, config_hash, decode, encode
from streamproc.schemas.records import Record, SliceResult

ONE_PARTITION = {"topics": {"partitions": 1}}
CONFIG = BRISK | ONE_PARTITION | {"budget": "2 a week"}
"""Of which predictions have one a week."""


def over_days(records: list[Any], seconds: float, *, odd: bool = False) -> list[Record]:
    """Return records whose events are `seconds` apart; `odd`: one in ten has a wrong time."""
    draw, found = random.Random(4), list[Record]()
    for offset, each in enumerate(records):
        try:
            events = json.loads(each.value)
        except ValueError:
            found.append(each)
            continue
        for event in events if isinstance(events, list) else [events]:
            event["ts"] = 1.7e9 + seconds * (offset + draw.uniform(-50, 50))
            if odd and draw.random() < 0.1:
                event["ts"] = draw.choice([1e9, 4e9])
        found.append(record(offset, json.dumps(events).encode(), key=each.key))
    return found


DAYS = over_days(LOG, 300.0)
"""Some twelve days of 288 records."""
UNSPLIT = shard(CONFIG)
OUTCOME = run(UNSPLIT, DAYS)


def back(target: PartitionMonitor, config: Any = None) -> PartitionMonitor:
    """Return what a snapshot of a shard restores."""
    written = decode(encode(target, "predictions", 0, 0))
    settings = shard(config).catalogue.config if config else target.catalogue.config
    return restore(written, Topic.PREDICTIONS, "predictions", 0, settings).shard


def test_thresholds_follow_from_the_second_day_on() -> None:
    """After a day that was seen as a whole the detectors have other thresholds than configured."""
    target = shard(CONFIG)

    run(target, DAYS[:288])
    assert target.catalogue.level is None
    run(target, DAYS[288:1500])

    assert target.catalogue.level is not None
    assert target.budget is not None
    assert target.budget.state.expected is not None
    assert 0.5 < target.budget.state.expected <= 1.0


@settings(max_examples=10, deadline=None)
@given(cuts=st.sets(st.integers(1, len(DAYS) - 1), max_size=40))
def test_any_split_gives_the_same_thresholds(cuts: set[int]) -> None:
    """However a log is cut, thresholds change at the same records, and so alerts are the same."""
    target = shard(CONFIG)

    assert run(target, DAYS, cuts) == OUTCOME
    assert state(target) == state(UNSPLIT)


@settings(max_examples=5, deadline=None)
@given(cuts=st.sets(st.integers(1, 1499), max_size=20))
def test_series_of_labels_have_a_share_too_in_any_split(cuts: set[int]) -> None:
    """Outcomes have a quarter of the budget, and thresholds that do not depend on slices either."""
    outcomes = labelled(1500, seed=3)
    for each in outcomes:
        each["ts"] = 1.7e9 + 300 * each["seq"]
    together, apart = (shard(ONE_PARTITION | {"budget": "4 a week"}, Topic.OUTCOMES) for _ in "ab")

    unsplit = run(together, records(outcomes))

    assert run(apart, records(outcomes), cuts) == unsplit
    assert state(apart) == state(together)
    assert together.budget is not None
    assert together.budget.share == 1.0
    assert 0.5 < (together.budget.state.expected or 0.0) <= 1.0


@settings(max_examples=10, deadline=None)
@given(cut=st.integers(0, len(DAYS)))
def test_a_restored_budget_goes_on_as_if_nothing_had_been(cut: int) -> None:
    """Wherever a snapshot is taken, what follows is the same as without it, to the bit."""
    target = shard(CONFIG)
    before = run(target, DAYS[:cut])
    restored = back(target)

    later = run(restored, DAYS[cut:])

    assert [*before.alerts, *later.alerts] == OUTCOME.alerts
    assert state(restored) == state(UNSPLIT)


def test_some_wrong_times_turn_no_day() -> None:
    """Events of decades ago or ahead, one in ten, neither begin a day nor end one."""
    target = shard(CONFIG)

    run(target, over_days(LOG, 300.0, odd=True))

    assert days_behind(target, 1.7e9 + 300 * len(LOG)) <= 1
    right = UNSPLIT.budget
    assert right is not None
    assert target.catalogue.level == pytest.approx(right._catalogue.level, rel=0.5)


def test_a_clock_that_was_right_after_all_is_believed() -> None:
    """After a day of events from the future the days go on where they were."""
    log = [json.loads(each.value) for each in over_days(steady(3000), 300.0)]
    for event in log[1000:1200]:
        event["ts"] += 3e8
    target = shard(CONFIG)

    run(target, [record(offset, event) for offset, event in enumerate(log)])

    assert days_behind(target, 1.7e9 + 300 * len(log)) <= 1
    assert target.catalogue.level is not None


def days_behind(target: PartitionMonitor, end: float) -> int:
    """Return how many days before the end of its log a partition believes to be."""
    assert target.budget is not None
    assert target.budget.state.days.day is not None
    return abs(int(end // 86_400) - target.budget.state.days.day)


def steady(count: int, seed: int = 2) -> list[Record]:
    """Return records of one model that changes in nothing."""
    return [record(offset, event) for offset, event in enumerate(noise(count, seed))]


def test_a_snapshot_with_an_impossible_budget_is_refused() -> None:
    """A state that no worker writes is an error that names the array."""
    written = decode(encode(UNSPLIT, "predictions", 0, 0))
    state = msgspec.json.decode(written.arrays["budget"].tobytes())
    for wrong in (
        state | {"level": -1.0},
        state | {"days": state["days"] | {"left": 0}},
        state | {"groups": 3},
    ):
        written.arrays["budget"] = np.frombuffer(msgspec.json.encode(wrong), np.uint8)
        with pytest.raises(SnapshotError, match="array 'budget'"):
            restore(written, Topic.PREDICTIONS, "predictions", 0, UNSPLIT.catalogue.config)


def test_without_a_budget_nothing_of_it_is_written() -> None:
    """Snapshots, their configuration's hash and alerts are what they were before."""
    target = shard(BRISK | ONE_PARTITION)
    run(target, DAYS)

    assert target.budget is None
    assert "budget" not in decode(encode(target, "predictions", 0, 0)).arrays
    assert config_hash(target.catalogue.config) != config_hash(UNSPLIT.catalogue.config)


def test_a_snapshot_without_a_budget_is_read_with_one() -> None:
    """Where a budget is new in the configuration, series go on, and days begin to be counted."""
    target = shard(BRISK | ONE_PARTITION)
    run(target, DAYS[:1000])

    restored = back(target, CONFIG)
    run(restored, DAYS[1000:])

    assert restored.catalogue.level is not None


def test_a_budget_that_is_removed_leaves_the_configured_thresholds() -> None:
    """A snapshot that was written with a budget is read without one."""
    configured = shard(BRISK | ONE_PARTITION)
    run(configured, DAYS)

    restored = back(UNSPLIT, BRISK | ONE_PARTITION)

    assert restored.budget is None
    assert limits(restored) == limits(configured) != limits(UNSPLIT)


def test_another_budget_counts_from_the_next_block_on() -> None:
    """After a restart with a smaller budget thresholds are stricter, before the day is over."""
    restored = back(UNSPLIT, CONFIG | {"budget": "0.01 a week"})

    run(restored, over_days(steady(64), 1.0))

    assert restored.catalogue.level is not None
    assert UNSPLIT.catalogue.level is not None
    assert restored.catalogue.level > 10 * UNSPLIT.catalogue.level


def limits(target: PartitionMonitor) -> list[Any]:
    """Return the thresholds of the detector groups."""
    return [group.watch._params for group in target.catalogue.profiles.values()]


def test_a_day_with_more_values_is_stricter_before_it_is_over() -> None:
    """When traffic becomes ten times as much, thresholds do not wait for the end of the day."""
    slow, fast = over_days(steady(1500), 300.0), steady(30_000, seed=3)
    target = shard(ONE_PARTITION | {"budget": "2 a week"})
    run(target, slow)
    before = target.catalogue.level
    assert before is not None
    start = 1.7e9 + 300 * 1500

    events = [json.loads(each.value) for each in fast[:4000]]
    for place, event in enumerate(events):
        event["ts"] = start + place
    run(target, [record(1500 + place, event) for place, event in enumerate(events)])

    assert target.catalogue.level is not None
    assert target.catalogue.level > 5 * before


def test_a_budget_that_cannot_be_met_is_reported_once() -> None:
    """One alert says what is expected, what the share is, and what to do."""
    target = shard(ONE_PARTITION | {"budget": "0.001 a month"})

    outcome = run(target, over_days(steady(3000), 300.0))

    found = [alert for alert in outcome.alerts if alert.detector == "budget"]
    assert [(alert.kind, alert.status, alert.model_id) for alert in found] == [
        ("system", "firing", "*")
    ]
    assert "whose share is 0.00012 a week: " in found[0].message
    assert "raise `budget`" in found[0].message


def test_detectors_without_a_run_length_are_named() -> None:
    """A detector of River is not counted, which the alert says."""
    watch = [{"on": "*", "detectors": ["river:ADWIN", "mixture"]}]
    target = shard(CONFIG | {"models": [{"id": "*", "watch": watch}]})

    outcome = run(target, over_days(steady(1500), 300.0))

    [alert] = [alert for alert in outcome.alerts if alert.detector == "budget"]
    assert "river:ADWIN are not counted" in alert.message


@pytest.mark.slow
def test_independent_values_stay_within_the_budget_and_changes_are_found() -> None:
    """Twenty series in ten weeks stay within their budget, and find a change of one deviation.

    With a tenth of the budget it is found later, and by a threshold that is stricter.
    """
    draw = np.random.default_rng(8)
    values = draw.normal(size=(10 * 7 * 288, 20))
    values[-1000:] += 1.0
    delays: dict[str, list[int]] = {}
    levels: dict[str, float] = {}
    for budget in ("20 a week", "2 a week"):
        target = shard(ONE_PARTITION | {"budget": budget})
        outcome = SliceResult()
        for start in range(0, len(values), 1000):
            outcome.extend(target.process(logged(values, start, start + 1000), NOW), start)
        firing = [
            (alert.source.offset, alert)
            for alert in outcome.alerts
            if alert.status == "firing" and alert.kind == "data"
        ]
        changed = len(values) - 1000
        early = [offset for offset, _ in firing if offset < changed]
        share = 0.5 * float(budget.split()[0])
        assert len(early) <= 10 * share + 3 * np.sqrt(10 * share)
        delays[budget] = [offset - changed for offset, _ in firing if offset >= changed]
        assert target.catalogue.level is not None
        levels[budget] = target.catalogue.level
    assert levels["2 a week"] >= 5 * levels["20 a week"]
    assert 0 < np.median(delays["20 a week"]) < np.median(delays["2 a week"]) < 150


def logged(values: Any, start: int, stop: int) -> list[Record]:
    """Return rows of a matrix as records of one model, five minutes apart."""
    return [
        record(
            row,
            msgspec.json.encode(
                {
                    "model_id": "m",
                    "ts": 1.7e9 + 300 * row,
                    "features": {f"f{k}": each for k, each in enumerate(values[row].tolist())},
                    "prediction": 0.5,
                }
            ),
            key=b"m",
        )
        for row in range(start, min(stop, len(values)))
    ]
