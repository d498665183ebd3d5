"""What an online model reports is what River's own loop gives."""

from collections.abc import Callable
from typing import Any

import pytest
from online.outcome_streams import DATA, NOW, Row, asked_then_labelled, config, elec2
from river import evaluate, linear_model, metrics, preprocessing, tree

from streamproc.online.partition_models import PartitionModels

DELAY = 500

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real streams are not here")


@pytest.fixture(
    scope="module",
    params=[8000, pytest.param(None, marks=pytest.mark.nightly)],
    ids=["part", "all"],
)
def rows(request: pytest.FixtureRequest) -> list[Row]:
    """Give the electricity stream, its labels as booleans."""
    return [(x, y == "1") for x, y in elec2()[: request.param]]


@pytest.mark.parametrize(
    ("spec", "river"),
    [
        (
            ["preprocessing.StandardScaler", "linear_model.LogisticRegression"],
            lambda: preprocessing.StandardScaler() | linear_model.LogisticRegression(),
        ),
        (
            ["tree.HoeffdingAdaptiveTreeClassifier"],
            lambda: tree.HoeffdingAdaptiveTreeClassifier(seed=1),
        ),
    ],
)
def test_accuracy_is_that_of_rivers_loop(
    rows: list[Row], spec: object, river: Callable[[], Any]
) -> None:
    """Asked, then labelled 500 rows later: the prequential accuracy is River's."""
    learned = PartitionModels(config(spec, interval="1ms"), "outcomes", 0).process(
        asked_then_labelled(rows, DELAY), NOW
    )
    expected = evaluate.progressive_val_score(rows, river(), metrics.Accuracy(), delay=DELAY)
    assert learned.updates[-1].metrics["accuracy"] == pytest.approx(expected.get(), abs=5e-4)
    assert len(learned.answers) == len(rows)
