"""Streams of predictions whose labels come later, and whose model loses its confidence."""

import math
import random
from collections.abc import Sequence
from typing import Any

START = 1.7e9


def late_labels(
    seed: int,
    count: int,
    *,
    change: int | None = None,
    delay: int = 1200,
    kind: str = "binary",
    regions: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Draw predictions with true probabilities, or of numbers, and labels `delay` events later.

    From the event `change` on the inputs are harder, which a classifier's probabilities show; the
    predictions of a regression are of a size at which its errors are larger. With `regions` each
    event has one as a tag, in turn, and only the inputs of the first one change.
    """
    draw = random.Random(seed)
    found: list[tuple[float, int, dict[str, Any]]] = []
    for number in range(count):
        x, later = draw.gauss(0, 1), change is not None and number >= change
        region = regions[number % len(regions)] if regions else None
        later = later and region == (regions[0] if regions else None)
        if kind == "numbers":
            prediction = 10 + 6 * later + 3 * x
            label: Any = prediction + draw.gauss(0, abs(prediction) / 15)
        else:
            prediction = 1 / (1 + math.exp(-(1.2 if later else 4) * x))
            label = draw.random() < prediction
        name = {"model_id": "fraud", "event_id": f"e{number}"}
        event = name | {"ts": START + number, "model_version": "7", "prediction": prediction}
        if region is not None:
            event |= {"tags": {"region": region}}
        found.append((number, 0, event))
        found.append((number + delay, 1, name | {"ts": START + number + delay, "label": label}))
    found.sort(key=lambda each: each[:2])
    return [event for _, _, event in found]
