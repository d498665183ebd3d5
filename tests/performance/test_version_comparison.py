"""A new version of a model is compared with the one before."""

import random
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outcome_logs import outcome, records, told, truth_shard
from record_logs import run

from streamproc.decode.event_schema import Topic
from streamproc.performance.tracks import TRACKS
from streamproc.performance.version_comparison import WINDOW
from streamproc.pipeline.restore import restore
from streamproc.pipeline.snapshot import decode, encode
from streamproc.schemas.alerts import AlertEvent

ALONE = [{"on": "metric:release", "detectors": ["adwin"]}, {"on": "*", "detectors": []}]
CONFIG = {"models": [{"id": "*", "watch": ALONE, "severity": "critical"}]}


def released(
    old: float, new: float, share: float, count: int = 6000, seed: int = 1, **fields: Any
) -> list[dict[str, Any]]:
    """Return outcomes of classes: error rates of versions 7 and 8, and the traffic of 8."""
    draw, events = random.Random(seed), list[dict[str, Any]]()
    for number in range(count):
        is_new = number >= 1500 and draw.random() < share
        wrong = draw.random() < (new if is_new else old)
        version = "8" if is_new else "7"
        predicted = "b" if wrong else "a"
        events.append(outcome(number, predicted, "a", model_version=version, **fields))
    return events


def verdicts(events: list[dict[str, Any]], config: Any = CONFIG) -> list[AlertEvent]:
    """Return the alerts about releases."""
    return [alert for alert in told(events, config) if alert.detector == "release"]


def test_a_version_that_is_worse_on_the_same_traffic_is_a_bad_release() -> None:
    """One alert names both versions, their errors, and that they are of the same period."""
    [alert] = verdicts(released(0.1, 0.3, 0.5))
    assert (alert.kind, alert.series, alert.severity) == (
        "performance",
        "metric:release",
        "critical",
    )
    assert (alert.status, alert.model_version) == ("firing", "8")
    assert alert.message.startswith(
        "bad release: model 'fraud' (version 8) is worse than version 7: its error rate is "
    )
    assert alert.message.endswith("over as many of the same period")
    assert alert.change_point is not None
    assert 1500 <= alert.change_point.offset < 1510
    assert alert.before is not None
    assert alert.after is not None
    assert 0.05 < (alert.before.mean or 0) < 0.15
    assert 0.2 < (alert.after.mean or 0) < 0.4


def test_a_version_that_is_better_is_an_improvement() -> None:
    """It is a note for the owner, and pages nobody who asks for more than `info`."""
    [alert] = verdicts(released(0.3, 0.1, 0.1, 9000))
    assert alert.severity == "info"
    assert alert.message.startswith("improved: model 'fraud' (version 8) is better than version 7")


def test_a_version_that_replaces_the_other_is_compared_with_before() -> None:
    """Without traffic at the same time the sentence says that something else may have changed."""
    [alert] = verdicts(released(0.1, 0.35, 1.0))
    assert "something else may have changed" in alert.message
    assert "that of version 7 was" in alert.message


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_versions_that_are_alike_get_no_verdict(share: float) -> None:
    """Of releases that change nothing at most one in a hundred is judged on average."""
    assert [verdicts(released(0.2, 0.2, share, 4000, seed)) for seed in range(8)] == [[]] * 8


def test_regressions_and_probabilities_are_compared_as_well() -> None:
    """The mean absolute error of numbers, and the Brier score of probabilities."""
    draw, numbers, chances = random.Random(4), list[Any](), list[Any]()
    for number in range(4000):
        is_new = number >= 1500 and draw.random() < 0.5
        version = {"model_version": "8" if is_new else "7"}
        truth = draw.gauss(50, 9)
        error = draw.gauss(0, 6 if is_new else 3)
        numbers.append(outcome(number, truth + error, truth, **version))
        chance = draw.betavariate(1, 9)
        stated = 0.5 if is_new else chance
        chances.append(outcome(number, stated, draw.random() < chance, **version))
    [number_alert], [chance_alert] = verdicts(numbers), verdicts(chances)
    assert "its mean absolute error is" in number_alert.message
    assert "its Brier score is" in chance_alert.message


def test_it_can_be_left_out() -> None:
    """With no detectors on `metric:release` no release is judged."""
    config = {"models": [{"id": "*", "watch": [{"on": "metric:release", "detectors": []}]}]}
    assert verdicts(released(0.1, 0.4, 0.5), config) == []


def test_a_first_version_and_events_without_one_are_not_compared() -> None:
    """There is nothing to compare with, or nothing that was released."""
    events = [{**each, "model_version": None} for each in released(0.1, 0.4, 0.5)]
    assert verdicts(events) == []
    assert verdicts(released(0.1, 0.1, 1.0)[1500:]) == []


@settings(deadline=None, max_examples=15)
@given(
    st.lists(st.integers(1, 2999), max_size=20), st.integers(0, 2999), st.sampled_from((0.3, 1.0))
)
def test_any_split_gives_the_same_verdict(cuts: list[int], resume: int, share: float) -> None:
    """How many outcomes a poll returns changes nothing, and neither does a restart in between."""
    log = records(released(0.1, 0.4, share, 3000))
    wanted = truth_shard(CONFIG)
    expected = run(wanted, log).alerts
    first = truth_shard(CONFIG)
    found = run(first, log[:resume], [cut for cut in cuts if cut < resume]).alerts
    snapshot = decode(encode(first, "outcomes", 0, resume))
    again = restore(snapshot, Topic.OUTCOMES, "outcomes", 0, first.catalogue.config).shard
    found += run(again, log[resume:], [cut - resume for cut in cuts if cut > resume]).alerts
    assert [each for each in expected if each.detector == "release"]
    assert found == expected
    assert wanted.truth is not None
    assert again.truth is not None
    assert again.truth.performance.releases.models == wanted.truth.performance.releases.models


def test_a_snapshot_without_comparisons_is_read() -> None:
    """After an upgrade versions go on; the next new one is compared."""
    old = truth_shard(CONFIG)
    run(old, records(released(0.1, 0.1, 0.5, 1400)))
    snapshot = decode(encode(old, "outcomes", 0, 1400))
    stored = msgspec.json.decode(snapshot.arrays[TRACKS].tobytes())
    del stored["releases"]
    snapshot.arrays[TRACKS] = np.frombuffer(msgspec.json.encode(stored), np.uint8)
    again = restore(snapshot, Topic.OUTCOMES, "outcomes", 0, old.catalogue.config).shard
    alerts = run(again, records(released(0.1, 0.4, 0.5))[1400:]).alerts
    assert [each.detector for each in alerts].count("release") == 1


def test_what_is_remembered_is_bounded() -> None:
    """Many models, and many versions of each, cost a comparison of one window for each."""
    target = truth_shard(CONFIG)
    events = [outcome(number, "a", "a", model_version=f"{number // 700}") for number in range(7000)]
    run(target, records(events))
    assert target.truth is not None
    [comparison] = target.truth.performance.releases.models.values()
    assert len(comparison.before) <= WINDOW
