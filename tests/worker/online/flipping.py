"""Events with labels whose meaning is turned round in the middle."""

import random
from collections.abc import Iterator
from typing import Any

EVENTS, FLIP = 1600, 1200


def flipping(events: int = EVENTS, flip: int = FLIP) -> Iterator[dict[str, Any]]:
    """Give events of model `m`, each followed by its label."""
    draw = random.Random(3)
    for number in range(events):
        a, b = draw.random(), draw.random()
        event = {"model_id": "m", "event_id": str(number), "ts": 1_767_225_600 + number}
        yield event | {"features": {"a": a, "b": b}}
        yield event | {"label": (a > b) != (number >= flip)}
