"""Generate workload W, which every system of a comparison reads."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec
import numpy as np

PARTITIONS: Final = 4
FIRST_TS: Final = 1_767_607_200.000_123  # 2026-01-05T10:00:00Z; six decimals, as clocks give
EVENTS_A_SECOND: Final = 1000  # of event time
SHIFT: Final = 1.0
SHIFTED_FEATURES: Final = 2
_CHUNK: Final = 4096  # events whose random numbers are drawn at once; part of the seed's meaning


class Workload(NamedTuple):
    """A seeded stream of events.

    Parameters
    ----------
    events
        How many.
    models
        How many models take turns, event by event.
    features
        Numbers in an event, N(0, 1); the prediction is another one, in [0, 1).
    seed
        Of the random numbers.

    Notes
    -----
    In the second half the first two features of the first half of the models are shifted by
    one standard deviation. With 10 models and 10 features an event has 294 bytes.
    """

    events: int
    models: int = 10
    features: int = 10
    seed: int = 1


class Event(NamedTuple):
    """One event as it lies on the topic."""

    partition: int
    key: bytes
    value: bytes


def events(workload: Workload) -> Iterator[Event]:
    """Generate the events of a workload, always the same ones.

    Examples
    --------
    >>> first, second = events(Workload(events=2, features=1))
    >>> first.key, second.partition
    (b'm0', 1)
    """
    encode = msgspec.json.Encoder().encode
    draw = np.random.default_rng(workload.seed)
    names = [f"f{j}" for j in range(workload.features)]
    # 6, 14 and 22 decimals in turn: float's shortest form has up to 17 digits
    decimals = [min(6 + 8 * (j % 3), 17) for j in range(workload.features)]
    for start in range(0, workload.events, _CHUNK):
        values = draw.normal(size=(_CHUNK, workload.features))
        predictions = np.round(draw.random(_CHUNK), 6).tolist()
        index = np.arange(start, start + _CHUNK)
        hit = (index >= workload.events // 2) & (index % workload.models < workload.models // 2)
        values[hit, :SHIFTED_FEATURES] += SHIFT
        for j, digits in enumerate(decimals):
            values[:, j] = np.round(values[:, j], digits)
        rows = values.tolist()
        for i in range(start, min(start + _CHUNK, workload.events)):
            model = f"m{i % workload.models}"
            event = {
                "model_id": model,
                "event_id": str(i),
                "ts": round(FIRST_TS + i / EVENTS_A_SECOND, 6),
                "prediction": predictions[i - start],
                "features": dict(zip(names, rows[i - start], strict=True)),
            }
            yield Event(i % workload.models % PARTITIONS, model.encode(), encode(event))
