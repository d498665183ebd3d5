import sys
from types import FrameType
from typing import Any

from record_logs import noise, record, run, shard

MAX_CALLS = 110
"""Python functions that one record alone may call; there were 240 before arrays of one row had
a path that avoids numpy's helpers."""


def calls_of(target: Any, records: list[Any]) -> int:
    """Count the Python functions that are called while one slice is processed."""
    calls = 0

    def count(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        run(target, records)
    finally:
        sys.setprofile(None)
    return calls


def test_a_record_alone_takes_few_calls() -> None:
    """On live traffic a slice holds a record or two, so its fixed cost is the cost of an event."""
    log = [record(offset, event) for offset, event in enumerate(noise(400, seed=3))]
    target = shard({})
    run(target, log[:390])
    counts = [calls_of(target, [each]) for each in log[390:]]

    assert min(counts) < MAX_CALLS
