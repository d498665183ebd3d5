"""`limits.max_series` holds for a worker, and room that nobody uses any more is given back."""

import random
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_logs import record, run, shard, state

from streamproc import Monitor
from streamproc.config.load import load
from streamproc.decode.event_schema import Topic
from streamproc.monitor import LogRecord
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode, encode
from streamproc.schemas.records import Record

CAP = 60
SMALL = {"limits": {"max_series": CAP}, "policy": {"update_interval": "1s", "resolve_after": 500}}
LIFE = 40  # events of a model


def churn(models: int, seed: int = 1) -> list[Record]:
    """Draw a log of models that live for 40 events each, two at a time, beside one that stays.

    Each has three features, of which the second has changed in the model's last events, an
    embedding and a text.
    """
    draw = random.Random(seed)
    log: list[Record] = []
    for number in range(models * LIFE // 2):
        for model in (f"m{number // LIFE * 2 + number % 2}", "stays"):
            features = {name: draw.gauss(0, 1) for name in "abc"}
            features["text"] = draw.choice("xyz")
            features["vector"] = [draw.random(), draw.random()]
            event = {"model_id": model, "prediction": draw.random(), "features": features}
            log.append(record(len(log), event))
    return log


LOG = churn(60)


def test_new_models_are_watched_after_others_have_gone() -> None:
    """Of models that come and go the last are watched as the first were, under the cap."""
    target = shard(SMALL)
    for start in range(0, len(LOG), 100):
        run(target, LOG[start : start + 100])
        assert target.catalogue.series <= CAP
    for name in ("stays", "m58", "m59"):
        assert -1 not in target.catalogue.models[name].slots.values()
    assert "m0" not in target.catalogue.models
    assert target.catalogue.forgotten > 0


def test_what_is_forgotten_does_not_depend_on_the_split() -> None:
    """Which models are forgotten, refused and watched later is the same in any slices."""
    unsplit, parts, single = shard(SMALL), shard(SMALL), shard(SMALL)
    expected = run(unsplit, LOG)
    assert run(parts, LOG, range(1, len(LOG), 7)) == expected
    assert run(single, LOG, range(1, len(LOG))) == expected
    assert state(parts) == state(unsplit) == state(single)


@settings(max_examples=10, deadline=None)
@given(cut=st.integers(1, len(LOG) - 1), cap=st.integers(7, 80))
def test_a_restored_state_forgets_the_same(cut: int, cap: int) -> None:
    """After a snapshot the same models are forgotten and refused as without it."""
    config = load({"limits": {"max_series": cap}})
    unsplit, begun = shard(config), shard(config)
    expected = run(unsplit, LOG).alerts
    first = run(begun, LOG[:cut]).alerts
    data = encode(begun, "predictions", 0, cut)
    went_on = restore(decode(data), Topic.PREDICTIONS, "predictions", 0, config).shard
    assert first + run(went_on, LOG[cut:]).alerts == expected
    assert state(went_on) == state(unsplit)
    assert went_on.catalogue.forgotten == unsplit.catalogue.forgotten


def test_it_is_told_once_that_models_are_forgotten() -> None:
    """One alert names the limit and the first model that gave way."""
    alerts = run(shard(SMALL), LOG).alerts
    [notice] = [alert for alert in alerts if "forgotten" in alert.message]
    assert "limits.max_series, 60, is reached" in notice.message
    assert "'m0'" in notice.message


def test_an_incident_of_a_model_that_is_forgotten_is_resolved() -> None:
    """Nobody waits for the end of an incident of a model that is not watched any more."""
    draw = random.Random(1)
    log: list[Record] = []
    for number in range(1200):
        features = {"a": draw.gauss(9.0 * (number > 600), 1)}
        if number < 700:
            event = {"model_id": "gone", "prediction": 0.5, "features": features}
        else:
            event = {"model_id": f"m{number // 50}", "prediction": 0.5, "features": features}
        log.append(record(number, event))
    target = shard({"limits": {"max_series": 8}})
    alerts = [alert for alert in run(target, log).alerts if alert.model_id == "gone"]
    assert [alert.status for alert in alerts if alert.series == "feature:a"] == [
        "firing",
        "resolved",
    ]
    assert "not watched any more" in next(a.message for a in alerts if a.status == "resolved")
    assert not target.incidents.open
    assert len(target.groups) == 0


def test_models_at_work_outlast_a_flood_of_names() -> None:
    """Names that are used once are refused before a model at work is forgotten."""
    draw = random.Random(1)
    log: list[Record] = []
    for number in range(3000):
        known = number % 10 == 0
        model = "known" if known else f"made-up-{number}"
        event: dict[str, Any] = {"model_id": model, "prediction": draw.random()}
        log.append(record(number, event))
    target = shard({"limits": {"max_series": 20}})
    run(target, log)
    model = target.catalogue.models["known"]
    assert int(model.layout.events[model.row]) == 300


def test_series_that_were_refused_are_watched_once_there_is_room() -> None:
    """A model that came when all was full is fully watched when others have gone idle."""
    draw = random.Random(1)
    log: list[Record] = []
    for number in range(1500):
        model = "late" if number >= 300 else f"m{number % 4}"
        features = {name: draw.gauss(0, 1) for name in "abcd"}
        log.append(record(number, {"model_id": model, "prediction": 0.5, "features": features}))
    target = shard({"limits": {"max_series": 22}})
    run(target, log[:302])
    assert -1 in target.catalogue.models["late"].slots.values()
    run(target, log[302:])
    assert -1 not in target.catalogue.models["late"].slots.values()
    assert target.catalogue.series <= 22


def test_memory_of_a_month_of_short_lives_is_flat() -> None:
    """However many models have come and gone, there are as many slots and rows as the cap needs."""
    target = shard(SMALL)
    sizes: list[int] = []
    for seed in range(4):
        log = churn(60, seed)
        for start in range(0, len(log), 200):
            part = [
                LogRecord(
                    seed * len(log) + each.offset,
                    (each.value or b"").replace(b'"m', b'"s%dm' % seed, 1),
                    each.timestamp,
                    None,
                )
                for each in log[start : start + 200]
            ]
            run(target, part)
        sizes.append(_held(target))
    assert sizes[3] <= sizes[1]


def _held(target: PartitionMonitor) -> int:
    catalogue = target.catalogue
    slots = sum(profile.used for profile in catalogue.profiles.values())
    rows = sum(len(layout.models) for layout in catalogue.layouts.values())
    return slots + rows + catalogue.encoders.used + len(catalogue.models)


@pytest.mark.parametrize("partitions", [1, 4, 12])
def test_the_cap_holds_for_all_partitions_together(partitions: int) -> None:
    """A worker that has all partitions of all topics watches max_series at most."""
    monitor = Monitor({"topics": {"partitions": partitions}, "limits": {"max_series": 480}})
    for topic in ("predictions", "features"):
        for partition in range(partitions):
            events = [
                {
                    "model_id": f"m{number}",
                    "prediction": 0.5,
                    "features": dict.fromkeys("abcdefgh", 1.0),
                }
                for number in range(60)
            ]
            records = [record(offset, event) for offset, event in enumerate(events)]
            monitor.process_records(topic, partition, records)
    watched = sum(each.catalogue.series for each in monitor.shards.values())
    assert 300 < watched <= 480


def test_shares_of_all_topics_are_no_more_than_the_cap() -> None:
    """Half is for predictions, a quarter for features and for outcomes, by partition."""
    config = load({"topics": {"partitions": 3}, "limits": {"max_series": 1000}})
    shares = [config.series_limit(kind.value) for kind in Topic]
    assert shares == [166, 83, 83]
    assert 3 * sum(shares) <= 1000


def test_keys_as_long_as_records_are_not_kept() -> None:
    """Records under long keys, each another one, leave nothing behind but what they hold."""
    log = [
        record(offset, {"model_id": "m", "prediction": 0.5}, key=b"%d" % offset + b"k" * 100_000)
        for offset in range(20)
    ]
    target = shard()
    tracemalloc.start()
    run(target, log)
    before, _ = tracemalloc.get_traced_memory()
    for start in range(100, 400, 20):
        later = [
            record(
                start + at, {"model_id": "m", "prediction": 0.5}, key=b"%d" % start + b"k" * 100_000
            )
            for at in range(20)
        ]
        run(target, later)
        del later
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 2**20
