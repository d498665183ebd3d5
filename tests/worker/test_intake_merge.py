"""Records of several partitions come out by time, each partition's in its order, each once."""

import random

from hypothesis import given
from hypothesis import strategies as st

from streamproc.driver.slices import Slice
from streamproc.monitor import LogRecord
from streamproc.worker.intake.merge import MergedRecord, TimeMerge

logs = st.lists(st.lists(st.integers(0, 30), max_size=12), min_size=1, max_size=4)


@given(logs=logs, seed=st.integers(0, 1000))
def test_nothing_is_released_before_an_earlier_record(logs: list[list[int]], seed: int) -> None:
    """However slices arrive, the result is the merge of the whole logs."""
    draw = random.Random(seed)
    left = {
        number: [LogRecord(i, b"", t) for i, t in enumerate(log)] for number, log in enumerate(logs)
    }
    merge = TimeMerge[int]()
    found: list[MergedRecord] = []
    tokens: list[int] = []
    while any(left.values()) or merge:
        waiting = [number for number, records in left.items() if records]
        if waiting:
            number = draw.choice(waiting)
            size = draw.randrange(1, 4)
            part, left[number] = left[number][:size], left[number][size:]
            merge.add(Slice("t", number, tuple(part)), number)
        found += merge.release(left, complete=lambda number: not left[number])
        tokens += [token for _, token in merge.finished()]
    at_once = TimeMerge[int]()
    for number, log in enumerate(logs):
        if log:
            records = tuple(LogRecord(i, b"", t) for i, t in enumerate(log))
            at_once.add(Slice("t", number, records), number)
    assert found == at_once.release(range(len(logs)), complete=lambda _: True)
    for number, log in enumerate(logs):
        offsets = [each.record.offset for each in found if each.partition == number]
        assert offsets == list(range(len(log)))
    if all(log == sorted(log) for log in logs):
        times = [each.record.timestamp for each in found]
        assert times == sorted(times)


def test_a_partition_without_records_holds_up_the_others() -> None:
    """Until it is read to its end."""
    merge = TimeMerge[str]()
    merge.add(Slice("t", 0, (LogRecord(0, b"", 5),)), "first")
    assert merge.release([0, 1], complete=lambda _: False) == []
    assert list(merge.finished()) == []
    [released] = merge.release([0, 1], complete=lambda number: number == 1)
    assert (released.partition, released.record.timestamp) == (0, 5)
    assert list(merge.finished()) == [(0, "first")]
    assert not merge
