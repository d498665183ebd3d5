"""What stays in memory of a partition with traffic that repeats for ever."""

import gc
import tracemalloc
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from streamproc.config.load import load
from streamproc.decode.event_schema import Topic
from streamproc.monitor import LogRecord
from streamproc.pipeline.partition import PartitionMonitor

NOW = datetime(2026, 1, 5, tzinfo=UTC)
MODELS, FEATURES, SLICE = 10, 3, 1000
EVENTS = 60_000  # past the event ids that deduplication remembers
MAX_BYTES, MAX_OBJECTS = 2**19, 1000  # less than 9 bytes an event


class Traffic:
    """Events of several models; two features change their level and come back."""

    def __init__(self) -> None:
        config = load({"policy": {"accept_after": "10m"}})
        self.shard = PartitionMonitor(Topic.PREDICTIONS, "predictions", 0, config)
        self._draw = np.random.default_rng(1)
        self._sent = 0
        self.statuses: set[str] = set()

    def run(self, events: int) -> None:
        """Process further events, some of them undecodable."""
        for _ in range(0, events, SLICE):
            high = self._sent // (5 * SLICE) % 2
            values = self._draw.normal(size=(SLICE, FEATURES))
            values[:, :2] += 4.0 * high
            records = [self._record(row) for row in values.tolist()]
            outcome = self.shard.process(records, NOW)
            self.statuses |= {alert.status for alert in outcome.alerts}

    def _record(self, row: list[float]) -> LogRecord:
        number, self._sent = self._sent, self._sent + 1
        model = f"m{number % MODELS}"
        event = {
            "model_id": model,
            "event_id": f"event-{number}",
            "ts": 1.7e9 + number,
            "prediction": [] if number % 50 == 0 else 0.5,
            "features": {f"f{at}": value for at, value in enumerate(row)},
        }
        return LogRecord(number, msgspec.json.encode(event), number, model.encode())


@pytest.mark.slow
def test_repeated_traffic_takes_no_further_memory() -> None:
    """Weeks of incidents that open and end, and of bad records, take no further memory."""
    traffic = Traffic()
    traffic.run(EVENTS)
    assert traffic.statuses >= {"firing", "resolved"}
    tracemalloc.start()
    try:
        traffic.run(EVENTS // 2)  # what was allocated before `start` has been replaced
        before = _held()
        traffic.run(EVENTS)
        after = _held()
    finally:
        tracemalloc.stop()
    assert after[0] - before[0] < MAX_BYTES
    assert after[1] - before[1] < MAX_OBJECTS


def _held() -> tuple[int, int]:
    """Return the bytes and the number of objects in memory."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0], len(gc.get_objects())
