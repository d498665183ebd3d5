"""Splits of the log while series of dependent values are in an incident."""

import numpy as np
import pytest
from record_logs import record, run, shard, state

from streamproc.decode.event_schema import Topic


@pytest.mark.parametrize("seed", [1, 3])
def test_a_dependent_series_is_compared_at_the_same_event_in_any_split(seed: int) -> None:
    """Alarms that page nobody come meanwhile; when a series is back does not depend on slices."""
    draw, value = np.random.default_rng(seed), 0.0
    log = []
    for index in range(9000):
        value = 0.97 * value + draw.normal()
        scale = 1000.0 if 3000 <= index < 3900 else 1.0
        features = {"a": (value + 10.0) * scale}
        event = {"model_id": "m", "event_id": str(index), "ts": 1.7e9 + index, "features": features}
        log.append(record(index, event))
    target = shard({}, Topic.FEATURES)
    expected = run(target, log).alerts
    assert "settled" in {alert.status for alert in expected}
    for size in (37, 1000):
        other = shard({}, Topic.FEATURES)
        assert run(other, log, range(size, len(log), size)).alerts == expected
        assert state(other) == state(target)
