import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcome_logs import outcome, records, truth_shard
from record_logs import run
from river import metrics

from streamproc.performance.losses import MismatchError, score
from streamproc.schemas.records import Reason
from streamproc.schemas.series import BRIER, ERROR, LOG_LOSS, SQUARED_ERROR

CHANCES = {"cat": 0.5, "dog": 0.3, "cow": 0.2}


@pytest.mark.parametrize(
    ("predicted", "truth", "task", "wrong"),
    [
        (0.9, True, "binary", 0),
        (0.9, 0.0, "binary", 1),
        (0.5, 1.0, "binary", 0),
        (True, True, "binary", 0),
        (True, 1.0, "binary", 0),
        (False, "true", "binary", 1),
        ({"true": 0.2, "false": 0.8}, True, "binary", 1),
        ("cat", "cat", "multiclass", 0),
        ("cat", "dog", "multiclass", 1),
        ("3", 3.0, "multiclass", 0),
        (CHANCES, "cat", "multiclass", 0),
        (CHANCES, "cow", "multiclass", 1),
        (CHANCES, "unicorn", "multiclass", 1),
        (7.5, 5.0, "regression", 2.5),
        (0.5, 0.7, "regression", pytest.approx(0.2)),
    ],
)
def test_a_wrong_answer_is_one(predicted: object, truth: object, task: str, wrong: float) -> None:
    """The error is 1 for a class that was not the true one, however it is written, and 0 else."""
    judged = score(None, predicted, truth)

    assert (judged.task, judged.losses[0]) == (task, wrong)


@given(chance=st.floats(0, 1), label=st.booleans())
def test_log_loss_is_river_s(*, chance: float, label: bool) -> None:
    """The log loss of a probability is that of River, and the Brier score its squared distance."""
    judged = score(None, chance, label)
    found = dict(zip(judged.series, judged.losses, strict=True))

    river = metrics.LogLoss()
    river.update(label, chance)
    assert found[LOG_LOSS] == pytest.approx(river.get(), rel=1e-4)
    assert found[BRIER] == pytest.approx((chance - label) ** 2)


def test_two_classes_cost_what_one_probability_costs() -> None:
    """A model that names both classes is judged as one that names the positive one alone."""
    both = score(None, {"true": 0.8, "false": 0.2}, 0.0)

    assert both.losses == pytest.approx(score(None, 0.8, 0.0).losses)
    assert both.chance == pytest.approx(0.8)


def test_numbers_cost_their_distance() -> None:
    """A regression's error is absolute, its metric the square, and neither is ever infinite."""
    assert dict(zip((ERROR, SQUARED_ERROR), score(None, 3.0, 5.5).losses, strict=True)) == {
        ERROR: 2.5,
        SQUARED_ERROR: 6.25,
    }
    assert max(score(None, 1e308, -1e308).losses) < float("inf")


@pytest.mark.parametrize(
    ("task", "predicted", "truth"),
    [
        (None, 3.0, "cat"),
        (None, 0.5, "cat"),
        ("binary", 1.5, True),
        ("regression", "cat", 1.0),
        ("regression", 1.0, True),
    ],
)
def test_what_cannot_be_compared_is_a_dead_letter(
    task: str | None, predicted: object, truth: object
) -> None:
    """A label that does not go with its prediction is one dead letter that says what to do."""
    config = {"models": [{"id": "fraud", "task": task}]} if task else None
    bad = outcome(1, predicted, truth)
    with pytest.raises(MismatchError):
        score(task, predicted, truth)

    found = run(truth_shard(config), records([bad]))

    [letter] = found.dead_letters
    assert (letter.reason, letter.offset) == (Reason.WRONG_TYPE, 0)
    assert "models[].task" in letter.detail or "label" in letter.detail
    assert json.loads(letter.value or b"")["event_id"] == "e1"
