import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.client.records import Record
from streamproc.client.tie_order import TieOrder
from streamproc.join.entry import InputLog
from streamproc.join.merge_order import Merge
from streamproc.monitor import LogRecord
from streamproc.schemas.ordering_header import after

E, L = InputLog.PREDICTIONS, InputLog.LABELS


def stamped(*stamps: int) -> list[LogRecord]:
    """Make records of these times."""
    return [LogRecord(offset, b"", stamp) for offset, stamp in enumerate(stamps)]


def order(merge: Merge, *ended: InputLog, most: int = 100) -> str:
    """Take what there is; return it as letters and times."""
    taken = merge.take(ended, most)
    return " ".join(f"{'el'[log is L]}{record.timestamp}" for log, record in taken)


def test_the_backlog_of_two_logs_is_read_as_it_was_written() -> None:
    """Of two logs that are fetched in blocks, what was written first is joined first."""
    merge = Merge([E, L])
    merge.add(E, stamped(1, 2, 5, 9))
    merge.add(L, stamped(3, 4, 6, 10))
    assert order(merge, E, L) == "e1 e2 l3 l4 e5 l6 e9 l10"


def test_within_a_millisecond_logs_take_turns() -> None:
    """Who writes events and labels in turns, dozens in a millisecond, has them joined so."""
    merge = Merge([E, L])
    merge.add(E, stamped(1, 1, 1, 2))
    merge.add(L, stamped(1, 1, 1, 2))
    assert order(merge, E, L) == "e1 l1 e1 l1 e1 l1 e2 l2"


def test_a_log_that_may_have_earlier_records_is_waited_for() -> None:
    """Nothing is taken past what is known of each log, unless it has come to its end."""
    merge = Merge([E, L])
    merge.add(E, stamped(1, 2, 3))
    merge.add(L, stamped(2))
    assert order(merge) == "e1"
    assert order(merge, L) == "e2 l2"
    assert order(merge, E, L) == "e3"


def test_no_more_is_taken_than_asked_for() -> None:
    """A portion ends with the millisecond that fills it."""
    merge = Merge([E])
    merge.add(E, stamped(1, 2, 2, 3))
    assert order(merge, E, most=2) == "e1 e2 e2"


def told(*places: int, key: bytes = b"") -> list[LogRecord]:
    """Make labels of millisecond 1 that say how many events of it they follow."""
    return [
        LogRecord(offset, b"", 1, key, [after(1, place)]) for offset, place in enumerate(places)
    ]


def placed(merge: Merge) -> list[tuple[str, int]]:
    """Take everything; return it as letters and offsets."""
    return [("el"[log is L], record.offset) for log, record in merge.take([E, L], 1000)]


@given(order=st.lists(st.sampled_from("el"), max_size=60), stamps=st.integers(1, 5))
def test_what_one_producer_wrote_is_joined_as_it_was_written(order: list[str], stamps: int) -> None:
    """However fast it wrote events and labels, in whatever order, none passes another."""
    clock = iter([number * stamps // max(len(order), 1) for number in range(len(order))])
    turns = TieOrder(clock=lambda: next(clock) / 1000)
    logs: dict[str, list[LogRecord]] = {"e": [], "l": []}
    written = []
    for kind in order:
        stamp, headers = turns.take(Record("labels" if kind == "l" else "predictions", b"m", b""))
        written.append((kind, len(logs[kind])))
        logs[kind].append(LogRecord(len(logs[kind]), b"", stamp, b"m", headers))
    merge = Merge([E, L])
    merge.add(E, logs["e"])
    merge.add(L, logs["l"])
    assert placed(merge) == written


def test_the_order_is_that_of_each_model() -> None:
    """Events of other models in the same partition do not count."""
    merge = Merge([E, L])
    merge.add(
        E, [LogRecord(0, b"", 1, b"a"), LogRecord(1, b"", 1, b"b"), LogRecord(2, b"", 1, b"b")]
    )
    merge.add(L, told(1, key=b"b"))
    assert placed(merge) == [("e", 0), ("e", 1), ("l", 0), ("e", 2)]


@pytest.mark.parametrize("value", [b"2:0", b"1:", b"1:-1", b"1:x", b"1:" + b"9" * 5000, b"", None])
def test_a_place_that_cannot_be_meant_is_not_believed(value: bytes | None) -> None:
    """Of another millisecond, as when the broker sets the time, or no number: logs take turns."""
    merge = Merge([E, L])
    merge.add(E, stamped(1, 1))
    merge.add(L, [LogRecord(0, b"", 1, b"", [("after", value)])])
    assert placed(merge) == [("e", 0), ("l", 0), ("e", 1)]


def test_a_place_after_more_events_than_there_are_is_the_end() -> None:
    """An event that was lost leaves its label where it is known to be possible."""
    merge = Merge([E, L])
    merge.add(E, [LogRecord(0, b"", 1, b"m"), LogRecord(1, b"", 1, b"m")])
    merge.add(L, told(7, key=b"m"))
    assert placed(merge) == [("e", 0), ("e", 1), ("l", 0)]


stamps = st.lists(st.integers(1, 3), max_size=20)


@given(stamps, stamps, st.integers(1, 4))
def test_everything_is_joined_in_the_end_whatever_came_at_once(
    events: list[int], labels: list[int], most: int
) -> None:
    """More of one millisecond than is fetched at once, in either log, does not stop the join."""
    merge = Merge([E, L])
    left = {E: stamped(*events), L: stamped(*labels)}
    joined = 0
    while joined < len(events) + len(labels):
        ended = {log for log, records in left.items() if not records}
        taken = merge.take(ended, most)
        fetched = {log: left[log][:most] for log in merge.short(most)} if not taken else {}
        assert taken or any(fetched.values()), "neither log is read any further"
        for log, records in fetched.items():
            merge.add(log, records)
            left[log] = left[log][most:]
        joined += len(taken)
