"""The electricity stream through a broker, next to River's own loop over the same file."""

import csv
import gzip
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from broker_topics import records
from river import evaluate, linear_model, metrics, preprocessing, tree
from worker.running import idle, own_config, total, until, worker_of

from streamproc.cli.publish_run import Job, publish_file
from streamproc.schemas.model_updates import ModelUpdate, OnlinePrediction

# Beside the checkout, or beside the folder that several checkouts share.
FILE = next(
    (
        found
        for parent in Path(__file__).parents
        if (found := parent / "shared" / "data" / "elec2_norm.csv.gz").exists()
    ),
    None,
)
DELAY, ROWS = 500, 45_312
MODELS: dict[str, list[Any]] = {
    "logistic": ["preprocessing.StandardScaler", "linear_model.LogisticRegression"],
    "tree": ["tree.HoeffdingAdaptiveTreeClassifier"],
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(FILE is None, reason="the real streams are not here"),
]


@cache
def expected(name: str) -> float:
    """Return the accuracy of River's own loop with the same delay."""
    assert FILE is not None
    model = {
        "logistic": preprocessing.StandardScaler() | linear_model.LogisticRegression(),
        "tree": tree.HoeffdingAdaptiveTreeClassifier(seed=1),
    }[name]
    with gzip.open(FILE, "rt") as file:
        rows = [
            ({key: float(value) for key, value in row.items() if key != "target"}, row["target"])
            for row in csv.DictReader(file)
        ]
    stream = [(x, y == "1") for x, y in rows]
    found = evaluate.progressive_val_score(stream, model, metrics.Accuracy(), delay=DELAY)
    return float(found.get())


# That a tree learns as River's does is shown without a broker, in tests/online/test_prequential.py.
@pytest.mark.parametrize("name", ["logistic", pytest.param("tree", marks=pytest.mark.nightly)])
async def test_the_accuracy_is_that_of_rivers_loop(name: str, bootstrap: str) -> None:
    """Published with its labels 500 rows late, learned live: River's figure to three digits."""
    assert FILE is not None
    config = own_config(
        bootstrap,
        models=[
            {
                "id": "elec2",
                "task": "binary",
                "watch": [],
                "online": {"model": MODELS[name], "interval": "500ms"},
            }
        ],
    )
    await publish_file(
        Job(file=FILE, model="elec2", label="target", label_delay=DELAY), None, config
    )
    async with worker_of(config) as (worker, registry):
        await until(lambda: worker.failure or total(registry, "learn_records_total") >= 2 * ROWS)
        await idle(worker)
        assert worker.failure is None
    answers = {
        answer.event_id: answer.prediction
        for record in await records(config, "online_predictions")
        for answer in [OnlinePrediction.from_json(record.value)]
    }
    labels = {
        label["event_id"]: label["label"] == 1
        for record in await records(config, "labels")
        for label in [msgspec.json.decode(record.value)]
    }
    assert len(answers) == len(labels) == ROWS
    # Before it knew a class a tree answers nothing, which River's loop does not judge either.
    right = [answers[n] == labels[n] for n in labels if answers[n] is not None]
    accuracy = sum(right) / len(right)
    # Three digits: less than half of the third one apart.
    assert abs(accuracy - expected(name)) < 5e-4
    *_, last = [
        ModelUpdate.from_json(record.value) for record in await records(config, "model_updates")
    ]
    # Its own figure, after as many labels as it had learned from then.
    judged = last.learned - (len(labels) - len(right))
    assert last.metrics["accuracy"] == pytest.approx(sum(right[:judged]) / judged)
