import random
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outcome_logs import labelled, outcome, records, truth_shard
from record_logs import run, state

from streamproc.alerting.incident_group import IncidentGroup
from streamproc.decode.event_schema import Topic
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.pipeline.restore import Restored, restore
from streamproc.pipeline.snapshot import SnapshotError, decode, encode
from streamproc.schemas.version_key import model_of, version_of

CONFIG = {
    "policy": {"update_interval": "100s", "resolve_after": 150},
    "models": [
        {"id": "tariff", "floor": "last"},
        {
            "id": "rule",
            "floor": {"feature": "x", "above": 0, "then": True, "otherwise": False},
        },
    ],
}


def eventful() -> list[dict[str, Any]]:
    """Draw outcomes of models with drifts, many versions, a wrong guess, and labels for some."""
    draw = random.Random(3)
    events = labelled(1500, 1, 700) + labelled(1500, 2, 900, 0.4, model_id="rule")
    for number in range(1500):
        truth = draw.gauss(0, 1)
        wrong = draw.gauss(0, 1 + 3 * (number > 800))
        events.append(outcome(number, truth + wrong, truth, model_id="tariff"))
    for number in range(900):
        label = number % 2 if number < 400 else draw.gauss(5, 1)
        events.append(
            outcome(number, 0.5, label, model_id="share", model_version=str(number // 60))
        )
    order = list(range(len(events)))
    draw.shuffle(order)
    order.sort(key=lambda at: events[at]["ts"] + draw.uniform(0, 40))
    ordered = [events[at] for at in order]
    for number in range(40):
        ordered.insert(130 * number, counts(number))
    return [event | {"seq": seq} for seq, event in enumerate(ordered)]


def counts(number: int) -> dict[str, Any]:
    """Count labels, which come for low scores alone for a while."""
    low, high = (50, 5) if 10 <= number < 25 else (25, 25)
    coverage = {
        "score": {"0.2": [60, low], "0.8": [60, high]},
        "tag:shop": {"x": [120, low + high]},
    }
    return {
        "outcome_id": f"c{number}", "status": "coverage", "revision": 0, "epoch": 1,
        "model_id": "some", "ts": 1.7e9 + 35 * number, "coverage": coverage,
    }  # fmt: skip


LOG = records(eventful())


def taken() -> tuple[PartitionMonitor, Any]:
    """Return the monitor after the complete log, and its result."""
    target = truth_shard(CONFIG)
    return target, run(target, LOG)


UNSPLIT, EXPECTED = taken()


def everything(target: PartitionMonitor) -> dict[str, Any]:
    """Describe all state."""
    assert target.truth
    arrays = target.truth.performance.state()
    return state(target) | {name: array.tobytes() for name, array in arrays.items()}


def back(target: PartitionMonitor) -> Restored:
    """Write a shard down and take it up again."""
    data = encode(target, "outcomes", 0, 7)
    return restore(decode(data), Topic.OUTCOMES, "outcomes", 0, target.catalogue.config)


def test_the_log_is_eventful() -> None:
    """Every kind of alert about outcomes is raised, so that the tests below hold something."""
    assert {alert.kind for alert in EXPECTED.alerts} == {
        "blind",
        "concept",
        "performance",
        "system",
    }
    assert {alert.status for alert in EXPECTED.alerts} == {
        "firing",
        "updated",
        "settled",
        "resolved",
    }
    assert {alert.detector for alert in EXPECTED.alerts} >= {"coverage:score", "floor", "task"}


@settings(max_examples=15)
@given(cuts=st.lists(st.integers(0, len(LOG)), max_size=40))
def test_any_split_says_the_same(cuts: list[int]) -> None:
    """However the log is cut into slices, alerts, their sentences and the state are the same."""
    target = truth_shard(CONFIG)

    assert run(target, LOG, cuts) == EXPECTED
    assert everything(target) == everything(UNSPLIT)


@settings(max_examples=15)
@given(cut=st.integers(0, len(LOG)))
def test_outcomes_go_on_after_a_restart(cut: int) -> None:
    """Wherever state is written down, what follows is the same as without it, to the bit."""
    target = truth_shard(CONFIG)
    run(target, LOG[:cut])
    restored = back(target).shard

    assert run(restored, LOG[cut:]) == run(target, LOG[cut:])
    assert everything(restored) == everything(target)
    assert restored.catalogue.series == target.catalogue.series


def written_before(group: IncidentGroup) -> dict[str, Any]:
    """Write an incident as the version before did."""
    return {"incident": group.id, "series": sorted(group.open), "said": group.reported_at}


def test_incidents_of_the_version_before_go_on() -> None:
    """What a version that kept its incidents among the tracks has open is told as it would have."""
    target, cut = truth_shard(CONFIG), 0
    while not any(len(group.open) > 1 for [group] in target.groups.open.values()):
        run(target, LOG[cut : cut + 50])
        cut += 50
    snapshot = decode(encode(target, "outcomes", 0, cut))
    del snapshot.arrays["groups"]
    tracks = msgspec.json.decode(snapshot.arrays["outcomes: tracks"].tobytes())
    tracks["groups"] = [
        [model_of(key), version_of(key), written_before(group)]
        for key, [group] in target.groups.open.items()
    ]
    snapshot.arrays["outcomes: tracks"] = np.frombuffer(msgspec.json.encode(tracks), np.uint8)
    restored = restore(snapshot, Topic.OUTCOMES, "outcomes", 0, target.catalogue.config).shard

    found, expected = (run(each, LOG[cut:]).alerts for each in (restored, target))
    assert [(each.alert_id, each.incident_id, each.status) for each in found] == [
        (each.alert_id, each.incident_id, each.status) for each in expected
    ]


def test_another_heuristic_starts_the_comparison_anew() -> None:
    """With another `floor:` nothing of the comparison before counts."""
    other = truth_shard({"models": [{"id": "*", "floor": "last"}]})
    data = encode(UNSPLIT, "outcomes", 0, 7)
    restored = restore(decode(data), Topic.OUTCOMES, "outcomes", 0, other.catalogue.config).shard
    run(restored, records([outcome(10_000, 0.5, 1)]))

    assert restored.truth
    floor = restored.truth.performance.tracks['["fraud","7"]'].floor
    assert (floor.plan, floor.seen, floor.open) == ("last", 1, "")


@pytest.mark.parametrize("name", ["outcomes: tracks", "outcomes: rows", "outcomes: lengths"])
def test_half_a_state_is_refused(name: str) -> None:
    """A snapshot of outcomes without one of its parts is refused."""
    snapshot = decode(encode(UNSPLIT, "outcomes", 0, 7))
    del snapshot.arrays[name]

    with pytest.raises(SnapshotError, match="outcomes"):
        restore(snapshot, Topic.OUTCOMES, "outcomes", 0, UNSPLIT.catalogue.config)
