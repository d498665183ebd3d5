"""How online models are written down, and what of them another version goes on with."""

from dataclasses import replace
from typing import Any

import msgspec
from online.model_streams import LINEAR, RIVER, changing
from online.outcome_streams import NOW, asked_then_labelled

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.online.partition_models import PartitionModels


def config(most: int = 4) -> Config:
    """Configure a model of River's own and a compiled one."""
    return load(
        {
            "models": [
                {"id": "r", "online": {"model": RIVER["binary"], "max_models": most}},
                {"id": "*", "online": {"model": LINEAR["binary"], "max_models": most}},
            ]
        }
    )


def story(model_id: str, rows: int = 60, epoch: int = 1) -> list[Any]:
    """Ask and label rows of a model."""
    records = asked_then_labelled(changing("binary", rows, rows))
    found = []
    for record in records:
        event = msgspec.json.decode(record.value or b"") | {"model_id": model_id, "epoch": epoch}
        found.append(replace(record, value=msgspec.json.encode(event)))
    return found


def both(settings: Config) -> PartitionModels:
    """Let both learn."""
    learners = PartitionModels(settings, "outcomes", 0)
    for epoch, model_id in enumerate(("r", "m"), 1):
        learners.process(story(model_id, epoch=epoch), NOW)
    return learners


def learned(learners: PartitionModels) -> dict[str, int]:
    """Tell how many labels each model has learned from."""
    return {each["model_id"]: each["learned"] for each in learners.models()}


def test_a_model_that_did_not_learn_leaves_its_bytes_what_they_are() -> None:
    """Each model is a part of its own, so that what did not change is not written again."""
    learners = both(config())
    shared, river, compiled = learners.sections()
    learners.process(story("m", rows=5, epoch=3), NOW)
    again = learners.sections()
    assert again[1] == river
    assert again[0] != shared
    assert again[2] != compiled
    assert b"".join(again) == learners.state()


def test_another_river_resets_its_own_models_alone() -> None:
    """After an upgrade of River compiled models go on, and River's own have room to start anew."""
    settings = config(most=1)
    before = both(settings)
    after = PartitionModels(settings, "outcomes", 0)
    assert after.restore(before.state(), same_river=False) == 1
    assert learned(after) == {"m": 60}
    after.process(story("r", rows=7, epoch=3), NOW)
    assert learned(after) == {"m": 60, "r": 7}
    assert after.refused == 0
    same = PartitionModels(settings, "outcomes", 0)
    assert same.restore(before.state()) == 0
    assert same.state() == before.state()
