import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_logs import noise, record, run, shard, state

from streamproc.schemas.records import SliceResult

# With the brisk policy series fall quiet while they warm up; with the patient one they alarm again.
BRISK = {"policy": {"update_interval": "1s", "resolve_after": 40}}
PATIENT = {"policy": {"update_interval": "1s", "resolve_after": 500}}


def odd_features(draw: random.Random, index: int) -> dict[str, Any]:
    """Draw a text, an embedding, an id and features that change what they are."""
    late = index > 2300
    shift, length = 3.0 * late, 4 if index < 3100 else 70
    found: dict[str, Any] = {
        "country": draw.choice(["DE", "FR", "IT"] if not late else ["FR", "XX", "long" * 30]),
        "embedding": [draw.gauss(shift, 1) for _ in range(length)],
        "id": f"{draw.random()}",
        "turns": "text" if index < 1500 else 1.5 if index > 1800 else [1.0, 2.0],
        "embedding:norm": draw.gauss(0, 1) if index > 2000 else None,
    }
    if index > 2700 and draw.random() < 0.5:
        found["country"] = found["embedding"] = None
    return found


def eventful_log() -> list[Any]:
    """Three models with changes, gaps, new and vanishing features, batches and bad records.

    Of models m and n two features change together. Model o has texts and embeddings too, which
    change, go missing, and become something else.
    """
    draw = random.Random(11)
    events = noise(3600, seed=1)
    for index, event in enumerate(events):
        event["model_id"] = draw.choice("mno")
        event["features"]["a"] += 9.0 * (index // 1100)
        if event["model_id"] != "o":
            event["features"]["b"] += 6.0 * (index // 1100)
        if event["model_id"] == "m":
            event["prediction"] += index > 2500
        if event["model_id"] == "n" and index > 2000:
            event["features"]["b"] = None
        if event["model_id"] == "o":
            event["prediction"] = draw.choice(["cat", "dog"] if index < 2400 else ["dog", "cow"])
            if index > 600:
                event["features"]["late"] = draw.gauss(0, 1) + (index > 2700) * 8
            if index > 3200:
                del event["features"]["a"]
            event["features"] |= odd_features(draw, index)
    records = [record(offset, event) for offset, event in enumerate(events)]
    for offset in range(50, 3600, 397):
        records[offset] = record(offset, b"{broken", key=b"m")
    for offset in range(60, 3600, 101):
        batch = b"[" + records[offset].value + b"," + records[offset - 1].value + b"]"
        records[offset] = record(offset, batch, key=b"n")
    return records


LOG = eventful_log()


def taken_unsplit(config: dict[str, Any]) -> tuple[SliceResult, dict[str, Any]]:
    """Return what comes of the log in one slice, and the state after it."""
    target = shard(config)
    return run(target, LOG), state(target)


UNSPLIT = [(config, *taken_unsplit(config)) for config in (BRISK, PATIENT)]
each_policy = pytest.mark.parametrize(
    ("config", "unsplit", "end"), UNSPLIT, ids=["brisk policy", "patient policy"]
)


def test_the_log_is_eventful() -> None:
    """The log has every kind of alert, so that the tests below have something to hold."""
    alerts = [alert for _, outcome, _ in UNSPLIT for alert in outcome.alerts]

    assert {alert.status for alert in alerts} == {
        *("firing", "updated", "settled", "resolved", "pending")
    }
    assert {alert.kind for alert in alerts} == {"data", "quality", "prediction", "system", "blind"}
    assert len(UNSPLIT[0][1].dead_letters) == 9
    assert {alert.model_id for alert in alerts if alert.contributors} == {"m", "n", "o"}


@each_policy
@settings(max_examples=15)
@given(cuts=st.sets(st.integers(1, len(LOG) - 1), max_size=40))
def test_any_split_gives_the_same(
    config: dict[str, Any], unsplit: SliceResult, end: dict[str, Any], cuts: set[int]
) -> None:
    """However a log is cut into slices, alerts, dead letters and state are the same to the bit."""
    target = shard(config)

    assert run(target, LOG, cuts) == unsplit
    assert state(target) == end


@each_policy
def test_one_record_at_a_time_gives_the_same(
    config: dict[str, Any], unsplit: SliceResult, end: dict[str, Any]
) -> None:
    """A slice of one record is a split too."""
    target = shard(config)

    assert run(target, LOG, range(1, len(LOG))) == unsplit
    assert state(target) == end


def test_a_cap_on_series_gives_the_same_in_any_split() -> None:
    """Which series are refused, and when that is reported, does not depend on the slices either."""
    config = BRISK | {"limits": {"max_series": 7}}
    together, apart = shard(config), shard(config)

    unsplit = run(together, LOG)

    assert run(apart, LOG, range(1, len(LOG), 3)) == unsplit
    assert state(apart) == state(together)
    [full] = [alert for alert in unsplit.alerts if alert.detector == "limits"]
    assert "limits.max_series" in full.message
    assert together.catalogue.series == 7
    assert together.catalogue.refused > 0


def test_made_up_feature_names_are_capped_and_told_once() -> None:
    """Past limits.max_features a model's new names are not watched, which one alert says."""
    events = [
        {"model_id": "m", "prediction": 0.5, "features": {"a": 1.0, f"made up {index}": 1.0}}
        for index in range(300)
    ]
    target = shard({"limits": {"max_features": 10}})
    outcome = run(target, [record(index, event) for index, event in enumerate(events)])

    [alert] = outcome.alerts
    assert "limits.max_features, 10, is reached" in alert.message
    assert alert.source.offset == 9
    assert (outcome.events, outcome.dead_letters) == (300, [])
    assert target.catalogue.series == 11
    assert len(target.catalogue.layouts) == 1
