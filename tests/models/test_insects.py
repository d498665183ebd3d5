"""The insects stream, whose chamber warms up: a static model, and one that is challenged."""

import csv
import gzip

import numpy as np
import pytest
from outcomes import DATA, NOW, Row, asked_then_labelled, config

from streamproc.models.learners import Learned, Learners

CHANGE = 14_028
FILE = DATA / "insects_gradual_balanced.csv.gz"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FILE.exists(), reason="the real streams are not here"),
]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Read the stream."""
    with gzip.open(FILE, "rt") as file:
        return [
            ({f"f{place}": float(value) for place, value in enumerate(row[:-1])}, float(row[-1]))
            for row in csv.reader(file)
        ]


def lived(rows: list[Row], on_drift: str) -> tuple[Learned, np.ndarray]:
    """Let naive Bayes learn from the first 10,000 rows, then stay; tell where it erred."""
    settled = config("naive_bayes.GaussianNB", train_for=10_000, on_drift=on_drift)
    learned = Learners(settled, "outcomes", 0).process(asked_then_labelled(rows), NOW)
    said = [answer.prediction for answer in learned.answers]
    return learned, np.array(
        [mine != f"{label:.0f}" for mine, (_, label) in zip(said, rows, strict=True)]
    )


def test_the_drift_is_found_and_a_challenger_does_better(rows: list[Row]) -> None:
    """The first alarm of its error is the change's; what is promoted then errs half as often."""
    static, errors = lived(rows, "notify")
    challenged, fewer = lived(rows, "challenge")
    for learned in (static, challenged):
        first = next(alert for alert in learned.alerts if alert.kind == "concept")
        assert CHANGE < first.source.offset // 2 < CHANGE + 500
    promoted = next(each for each in challenged.updates if each.step == "promoted")
    after = promoted.source.offset // 2
    assert promoted.cause in {alert.alert_id for alert in challenged.alerts}
    assert fewer[after:].mean() < 0.6 * errors[after:].mean()
