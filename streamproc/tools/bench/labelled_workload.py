"""Generate workload L: events of many models, each followed by its label."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from streamproc.tools.bench.workload import FIRST_TS, PARTITIONS

DELAY: Final = 1000  # events after which a label comes
EVENTS_A_SECOND: Final = 1000  # of event time
FEATURES_TOPIC: Final = "features"
LABELS_TOPIC: Final = "labels"
_CHUNK: Final = 4096


class LabelledWorkload(NamedTuple):
    """A seeded stream of events and labels.

    Parameters
    ----------
    events
        How many events; as many labels.
    models
        How many models take turns, event by event.
    features
        Numbers in an event, N(0, 1); the label says whether their sum is above 0.
    seed
        Of the random numbers.
    """

    events: int
    models: int = 1000
    features: int = 10
    seed: int = 1


class Message(NamedTuple):
    """A record: `kind` is the topic's."""

    kind: str
    partition: int
    key: bytes
    value: bytes


def messages(workload: LabelledWorkload) -> Iterator[Message]:
    """Generate events and labels in the order of their times.

    Examples
    --------
    >>> [message.kind for message in messages(LabelledWorkload(2, models=1, features=1))]
    ['features', 'features', 'labels', 'labels']
    """
    draw = np.random.default_rng(workload.seed)
    labels: list[bool] = []
    for start in range(0, workload.events, _CHUNK):
        rows = drawn(draw, _CHUNK, workload.features)
        labels += [label for _, label in rows]
        for number in range(start, min(start + _CHUNK, workload.events)):
            features, ts = rows[number - start][0], _ts(number)
            yield _message(FEATURES_TOPIC, workload, number, ts, {"features": features})
            if number >= DELAY:
                late = number - DELAY
                yield _message(LABELS_TOPIC, workload, late, ts, {"label": labels[late]})
    for number in range(max(0, workload.events - DELAY), workload.events):
        fields = {"label": labels[number]}
        yield _message(LABELS_TOPIC, workload, number, _ts(workload.events), fields)


def drawn(
    draw: np.random.Generator, events: int, features: int
) -> list[tuple[dict[str, float], bool]]:
    """Draw the features and the label of some events."""
    values: Any = np.round(draw.normal(size=(events, features)), 6)
    names = [f"f{j}" for j in range(features)]
    labels = (values.sum(axis=1) > 0).tolist()
    return [
        (dict(zip(names, row, strict=True)), label)
        for row, label in zip(values.tolist(), labels, strict=True)
    ]


def _ts(number: int) -> float:
    return round(FIRST_TS + number / EVENTS_A_SECOND, 6)


def _message(
    kind: str, workload: LabelledWorkload, number: int, ts: float, fields: Mapping[str, object]
) -> Message:
    model = number % workload.models
    event = {"model_id": f"m{model}", "event_id": str(number), "ts": ts, **fields}
    return Message(kind, model % PARTITIONS, b"m%d" % model, msgspec.json.encode(event))
