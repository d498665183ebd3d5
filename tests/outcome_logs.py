"""Logs of outcomes to feed a shard with."""

import math
import random
from collections.abc import Iterable, Sequence
from typing import Any

from record_logs import record, run, shard

from streamproc.decode.event_schema import Topic
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.records import Record


def outcome(number: int, prediction: Any, label: Any, **fields: Any) -> dict[str, Any]:
    """Make a labelled outcome; its number is its place in its epoch."""
    return {
        "outcome_id": f"{number}-1",
        "status": "labelled",
        "revision": 1,
        "epoch": 1,
        "seq": number,
        "model_id": "fraud",
        "model_version": "7",
        "event_id": f"e{number}",
        "ts": 1.7e9 + number,
        "label_ts": 1.7e9 + number + 500,
        "prediction": prediction,
        "label": label,
    } | fields


def labelled(
    count: int, seed: int, drift_at: int | None = None, flipped: float = 0.3, **fields: Any
) -> list[dict[str, Any]]:
    """Draw outcomes of a calibrated model; from the drift on some labels are others.

    What the model sees and says is drawn in the same way before and after.
    """
    draw = random.Random(seed)
    found = []
    for number in range(count):
        x = draw.gauss(0, 1)
        chance = 1 / (1 + math.exp(-4 * x))
        label = draw.random() < chance
        if drift_at is not None and number >= drift_at and draw.random() < flipped:
            label = not label
        found.append(outcome(number, chance, label, features={"x": x}, **fields))
    return found


def records(outcomes: Iterable[dict[str, Any]]) -> list[Record]:
    """Put each outcome into a record of its own."""
    return [record(offset, event) for offset, event in enumerate(outcomes)]


def truth_shard(config: Any = None) -> PartitionMonitor:
    """Make an empty shard of outcomes."""
    return shard(config, Topic.OUTCOMES)


def told(outcomes: Sequence[dict[str, Any]], config: Any = None) -> list[AlertEvent]:
    """Return what is said of a log of outcomes."""
    return run(truth_shard(config), records(outcomes)).alerts
