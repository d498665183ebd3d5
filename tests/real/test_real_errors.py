"""Errors of static models on real recordings whose drift is known."""

import csv
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from outcome_logs import outcome, told

from streamproc.tools.bench.estimate_error import MODELS, answers, distance, rows

DATA = Path(__file__).parents[2].parent / "shared" / "data"
INSECTS = DATA / "insects_gradual_balanced.csv.gz"
ELEC2 = DATA / "elec2_norm.csv.gz"
TRAINED, DRIFT = 4000, 14_028


def insects() -> list[dict[str, Any]]:
    """Judge a static Gaussian naive Bayes, trained on the first rows, on all that follow."""
    if not INSECTS.exists():
        pytest.skip(f"{INSECTS.name} is not beside the checkout")
    with gzip.open(INSECTS, "rt") as lines:
        table = np.array([[float(cell) for cell in row] for row in csv.reader(lines)])
    values, truth = table[:, :-1], table[:, -1]
    classes = np.unique(truth)
    known = [values[:TRAINED][truth[:TRAINED] == each] for each in classes]
    shares = np.log([len(rows_of) for rows_of in known])
    means = np.array([rows_of.mean(0) for rows_of in known])
    spreads = np.array([rows_of.var(0) for rows_of in known]) + 1e-9 * values[:TRAINED].var(0).max()
    fits = ((values[:, None] - means) ** 2 / spreads + np.log(spreads)).sum(2)
    said = classes[(shares - fits / 2).argmax(1)]
    return [
        outcome(number, f"{said[number]:.0f}", truth[number], label_ts=1.7e9 + number)
        for number in range(TRAINED, len(truth))
    ]


def test_the_drift_of_insects_is_found_on_the_error() -> None:
    """The error of a static model alarms within 150 labels of the drift, and once before it."""
    alerts = [alert for alert in told(insects()) if alert.kind == "concept"]
    found = [alert.source.offset + TRAINED for alert in alerts if alert.status == "firing"]

    before = [at for at in found if at < DRIFT]
    assert len(before) <= 1  # the error does rise before the drift that is marked
    assert DRIFT < found[len(before)] < DRIFT + 150


@pytest.mark.slow
def test_an_estimate_is_nearer_than_what_a_model_claims() -> None:
    """On elec2, labels 500 rows late, calibrated confidence is half as far off as its own."""
    if not ELEC2.exists():
        pytest.skip(f"{ELEC2.name} is not beside the checkout")
    data = rows(ELEC2)
    task, make = MODELS["naive Bayes"]
    found = distance(task, answers(make(), task, data, learns=True), data, 0)

    assert found.claim
    assert found.estimate < 0.08 < found.claim / 1.9
