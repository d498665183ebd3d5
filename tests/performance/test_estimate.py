import math
import random

import numpy as np
import pytest
from outcome_logs import labelled, records, truth_shard
from record_logs import record, run, shard

from streamproc.decode.event_schema import Topic
from streamproc.performance.estimate import Estimate
from streamproc.performance.unlabelled import RecentPredictions


def test_confidence_is_calibrated_by_outcomes() -> None:
    """A model that says 0.9 and is right 6 times in 10 is expected to err in 4 of 10."""
    draw = random.Random(1)
    estimate = Estimate()
    assert estimate.expected("binary", 1.0, 0.9) == pytest.approx(0.1)
    for _ in range(3000):
        estimate.learn("binary", 1.0, 0.9, float(draw.random() < 0.4))

    assert estimate.expected("binary", 1.0, 0.9) == pytest.approx(0.4, abs=0.04)


def test_what_was_learned_long_ago_is_forgotten() -> None:
    """After some thousand labels a new calibration has taken the place of the old one."""
    estimate = Estimate()
    for number in range(60_000):
        estimate.learn("binary", 1.0, 0.9, float(number < 50_000))

    assert estimate.expected("binary", 1.0, 0.9) < 0.01


def test_a_regression_is_expected_to_err_as_predictions_of_its_size_did() -> None:
    """Errors that grow with the prediction are expected where predictions are large."""
    draw = random.Random(2)
    estimate = Estimate()
    predicted = [draw.uniform(0, 100) for _ in range(3000)]
    errors = [abs(draw.gauss(0, 1 + value / 10)) for value in predicted]
    estimate.cut(predicted[:200], errors[:200])
    for value, error in zip(predicted[200:], errors[200:], strict=True):
        estimate.learn("regression", value, None, error)

    for low in (0, 35, 70):
        values = np.arange(low, low + 30.0)
        found = estimate.mean("regression", values, np.full(30, np.nan))
        assert found == pytest.approx(np.mean(1 + values / 10) * math.sqrt(2 / math.pi), rel=0.15)


def test_the_accuracy_of_unlabelled_predictions_is_estimated() -> None:
    """When predictions become less sure, the estimate falls to what labels later confirm."""
    target = truth_shard()
    run(target, records(labelled(3000, seed=3)))
    assert target.truth
    performance = target.truth.performance
    seen = shard(kind=Topic.PREDICTIONS)
    seen.unlabelled = RecentPredictions(performance)
    draw = random.Random(4)
    chances = [draw.uniform(0.35, 0.65) for _ in range(500)]
    run(
        seen,
        [
            record(i, {"model_id": "fraud", "model_version": "7", "prediction": chance})
            for i, chance in enumerate(chances)
        ],
    )
    expected = seen.unlabelled.expected('["fraud","7"]')

    # Of a calibrated model the less likely class comes as often as it says.
    assert expected == pytest.approx(sum(min(p, 1 - p) for p in chances) / 500, abs=0.05)
    assert performance.figures('["fraud","7"]')["expected_accuracy"] > 0.8
    assert seen.unlabelled.expected('["other",null]') is None


@pytest.mark.parametrize("predicted", ["cat", {"cat": 0.6, "dog": 0.4}, True, 12.5])
def test_every_form_of_prediction_has_an_estimate(predicted: object) -> None:
    """Classes, chances of classes and numbers: what outcomes taught is expected of predictions."""
    label = {"cat": "cat", True: True, 12.5: 10.0}.get(
        predicted if not isinstance(predicted, dict) else "cat"
    )
    events = [event | {"prediction": predicted, "label": label} for event in labelled(400, seed=5)]
    target = truth_shard()
    run(target, records(events))
    assert target.truth
    seen = shard()
    seen.unlabelled = RecentPredictions(target.truth.performance)
    events = [{"model_id": "fraud", "model_version": "7", "prediction": predicted}] * 20
    run(seen, [record(i, event) for i, event in enumerate(events)])

    expected = seen.unlabelled.expected('["fraud","7"]')
    assert expected == pytest.approx(2.5 if predicted == 12.5 else 0.0, abs=0.03)
