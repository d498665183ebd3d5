"""Records, slices and alerts made by hand."""

from typing import Any

import msgspec
from worker.scenarios import story

from streamproc.driver.slices import Slice
from streamproc.monitor import LogRecord


def record(offset: int, event: Any) -> LogRecord:
    """Return a record of one event."""
    return LogRecord(offset, msgspec.json.encode(event), 1_767_225_600_000, b"m")


def slices(first: int, last: int, size: int, topic: str = "predictions") -> list[Slice]:
    """Return slices of a story with one model that changes, by their offsets."""
    events = [event for event in story(models=2) if event["model_id"] == "model-1"]
    log = [record(offset, event) for offset, event in enumerate(events)]
    return [
        Slice(topic, 0, tuple(log[start : min(start + size, last)]))
        for start in range(first, last, size)
    ]
